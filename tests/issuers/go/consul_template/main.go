// Command consul_template has consul-template's own renderer put credentials into a folder, a
// template for each file: consul_template FOLDER, versions on standard input.
package main

import (
	"os"
	"path/filepath"

	"github.com/hashicorp/consul-template/renderer"
	"selvage.invalid/files"
)

func main() {
	folder := os.Args[1]
	render := func(name string, contents []byte) {
		_, err := renderer.Render(&renderer.RenderInput{
			Path: filepath.Join(folder, name), Contents: contents, Perms: 0o600,
		})
		files.Check(err)
	}
	files.EachVersion(func(version files.Version) {
		render("ca.pem", version.CA)
		render("cert.pem", version.Certificate)
		render("key.pem", version.Key)
	})
}
