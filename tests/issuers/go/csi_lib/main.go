// Command csi_lib has the atomic writer of cert-manager's csi-lib put a volume's files into a folder:
// csi_lib FOLDER, versions on standard input. The library's storage around it mounts a tmpfs, which
// needs privileges; the names and the modes are those of cert-manager's drivers on that storage.
//
// The Go checksum database does not know the module. The sums in go.sum are those that its own
// publisher recorded: go.sum of cert-manager/csi-driver at commit 0030e2a5a9d4, against which the go
// command checks what it downloads.
package main

import (
	"os"

	"github.com/cert-manager/csi-lib/third_party/util"
	"selvage.invalid/files"
)

func main() {
	writer, err := util.NewAtomicWriter(os.Args[1], "selvage test")
	files.Check(err)
	files.EachVersion(func(version files.Version) {
		files.Check(writer.Write(map[string]util.FileProjection{
			"ca.crt":  {Data: version.CA, Mode: 0o440},
			"tls.crt": {Data: version.Certificate, Mode: 0o440},
			"tls.key": {Data: version.Key, Mode: 0o440},
		}, nil))
	})
}
