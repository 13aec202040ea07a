// Command etcd writes the certificate that etcd's own code makes for `--auto-tls`: etcd FOLDER NAME.
package main

import (
	"os"
	"path/filepath"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	"go.uber.org/zap"
	"selvage.invalid/files"
)

func main() {
	folder, name := os.Args[1], os.Args[2]
	made, err := transport.SelfCert(zap.NewNop(), folder, []string{name + ":0"}, 1)
	files.Check(err)
	for from, to := range map[string]string{made.CertFile: name + ".pem", made.KeyFile: name + ".key"} {
		files.Check(os.Rename(from, filepath.Join(folder, to)))
	}
}
