// Command trust_manager has trust-manager's own code make the target of a Bundle of its sources:
// trust_manager FOLDER, which writes ca.pem; the sources, PEM one after the other, on standard input.
package main

import (
	"io"
	"os"

	"github.com/cert-manager/trust-manager/pkg/util"
	"selvage.invalid/files"
)

func main() {
	sources, err := io.ReadAll(os.Stdin)
	files.Check(err)
	// Its defaults: expired and other certificates are kept.
	pool := util.NewCertPool(util.WithFilteredExpiredCerts(false), util.WithFilteredNonCaCerts(false))
	files.Check(pool.AddCertsFromPEM(sources))
	files.Text(os.Args[1], "ca.pem", []byte(pool.PEM()))
}
