// Command spiffe_helper has spiffe-helper's own writer put SVIDs into a folder, as its defaults name
// the files: spiffe_helper FOLDER, versions on standard input.
package main

import (
	"crypto/x509"
	"encoding/pem"
	"os"

	"github.com/spiffe/go-spiffe/v2/bundle/x509bundle"
	"github.com/spiffe/go-spiffe/v2/svid/x509svid"
	"github.com/spiffe/go-spiffe/v2/workloadapi"
	"github.com/spiffe/spiffe-helper/pkg/disk"
	"selvage.invalid/files"
)

func main() {
	folder := os.Args[1]
	files.EachVersion(func(version files.Version) {
		svid, err := x509svid.Parse(version.Certificate, version.Key)
		files.Check(err)
		bundle := x509bundle.FromX509Authorities(svid.ID.TrustDomain(), certificates(version.CA))
		// Its defaults: intermediates in the SVID's file, no federated domains, expired ones kept.
		files.Check(disk.WriteX509Context(
			&workloadapi.X509Context{
				SVIDs: []*x509svid.SVID{svid}, Bundles: x509bundle.NewSet(bundle),
			},
			false, false, false, folder, "svid.pem", "svid_key.pem", "svid_bundle.pem",
			0o644, 0o600, "",
		))
	})
}

func certificates(text []byte) []*x509.Certificate {
	var all []*x509.Certificate
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		one, err := x509.ParseCertificate(block.Bytes)
		files.Check(err)
		all = append(all, one)
	}
	return all
}
