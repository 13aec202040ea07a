// Command kubelet has the kubelet's own atomic writer put a mounted secret into a folder:
// kubelet FOLDER, versions on standard input.
package main

import (
	"os"

	"k8s.io/kubernetes/pkg/volume/util"
	"selvage.invalid/files"
)

func main() {
	writer, err := util.NewAtomicWriter(os.Args[1], "selvage test")
	files.Check(err)
	files.EachVersion(func(version files.Version) {
		files.Check(writer.Write(map[string]util.FileProjection{
			"ca.crt":  {Data: version.CA, Mode: 0o644},
			"tls.crt": {Data: version.Certificate, Mode: 0o644},
			"tls.key": {Data: version.Key, Mode: 0o600},
		}, nil))
	})
}
