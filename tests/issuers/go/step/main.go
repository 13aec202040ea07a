// Command step has step's own code make an authority and certificates from the templates that
// `step certificate create` and step-ca start with: step FOLDER NAME….
package main

import (
	"os"

	"go.step.sm/crypto/minica"
	"go.step.sm/crypto/x509util"
	"selvage.invalid/files"
)

func main() {
	folder := os.Args[1]
	authority, err := minica.New(minica.WithName("Team"))
	files.Check(err)
	files.Certificates(folder, "ca.pem", authority.Root)
	for _, name := range os.Args[2:] {
		key := files.NewKey()
		request, err := x509util.CreateCertificateRequest(name, []string{name}, key)
		files.Check(err)
		data := x509util.CreateTemplateData(name, []string{name})
		made, err := x509util.NewCertificate(request,
			x509util.WithTemplate(x509util.DefaultLeafTemplate, data))
		files.Check(err)
		leaf, err := authority.Sign(made.GetCertificate())
		files.Check(err)
		files.Certificates(folder, name+".pem", leaf, authority.Intermediate)
		files.Key(folder, name+".key", key)
	}
}
