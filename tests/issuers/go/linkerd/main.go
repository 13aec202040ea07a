// Command linkerd has Linkerd's own code make the root that `linkerd install` makes where it is given
// none, and what the identity service makes of a proxy's request: linkerd FOLDER ACCOUNT….
package main

import (
	"crypto/rand"
	"crypto/x509"
	"os"
	"time"

	"github.com/linkerd/linkerd2/pkg/tls"
	"selvage.invalid/files"
)

func main() {
	folder := os.Args[1]
	root, err := tls.GenerateRootCAWithDefaults("identity.linkerd.cluster.local")
	files.Check(err)
	files.Certificates(folder, "ca.pem", root.Cred.Certificate)
	// The default of the chart: identity.issuer.issuanceLifetime.
	issuer := tls.NewCA(root.Cred, tls.Validity{Lifetime: 24 * time.Hour})
	for _, account := range os.Args[2:] {
		key := files.NewKey()
		// The proxy's request: no subject, its identity as the one DNS name.
		request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
			DNSNames: []string{account + ".default.serviceaccount.identity.linkerd.cluster.local"},
		}, key)
		files.Check(err)
		asked, err := x509.ParseCertificateRequest(request)
		files.Check(err)
		made, err := issuer.IssueEndEntityCrt(asked)
		files.Check(err)
		files.Certificates(folder, account+".pem", append([]*x509.Certificate{made.Certificate}, made.TrustChain...)...)
		files.Key(folder, account+".key", key)
	}
}
