// Command istio has istiod's own authority make its root and workload certificates:
// istio FOLDER NAME ID…, the first with the option that adds a common name where NAME is "dual".
// istio write FOLDER has istio-agent's own code write versions there, as OUTPUT_CERTS asks for.
package main

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"time"

	nodeagent "istio.io/istio/security/pkg/nodeagent/util"
	"istio.io/istio/security/pkg/pki/ca"
	"istio.io/istio/security/pkg/pki/util"
	"selvage.invalid/files"
)

func main() {
	if os.Args[1] == "write" {
		files.EachVersion(func(version files.Version) {
			files.Check(nodeagent.OutputKeyCertToDir(
				os.Args[2], version.Key, version.Certificate, version.CA,
			))
		})
		return
	}
	folder, dual := os.Args[1], os.Args[2] == "dual"
	// As istiod makes its own root where it is given none.
	root, rootKey, err := util.GenCertKeyFromOptions(util.CertOptions{
		TTL: 10 * 365 * 24 * time.Hour, Org: "cluster.local", IsCA: true, IsSelfSigned: true,
		RSAKeySize: 2048, IsDualUse: dual,
	})
	files.Check(err)
	bundle, err := util.NewVerifiedKeyCertBundleFromPem(root, rootKey, nil, root, nil)
	files.Check(err)
	authority, err := ca.NewIstioCA(&ca.IstioCAOptions{
		DefaultCertTTL: 24 * time.Hour, MaxCertTTL: 90 * 24 * time.Hour, KeyCertBundle: bundle,
	})
	files.Check(err)
	files.Text(folder, "ca.pem", root)
	for _, id := range os.Args[3:] {
		request, key, err := util.GenCSR(util.CertOptions{
			Host: id, RSAKeySize: 2048, PKCS8Key: true, IsDualUse: dual,
		})
		files.Check(err)
		chain, err := authority.SignWithCertChain(request, ca.CertOpts{
			SubjectIDs: []string{id}, TTL: 24 * time.Hour,
		})
		files.Check(err)
		var text []byte
		for _, one := range chain {
			text = append(text, one...)
		}
		name := nameOf(text)
		files.Text(folder, name+".pem", text)
		files.Text(folder, name+".key", key)
	}
}

// nameOf is the last segment of the SPIFFE ID.
func nameOf(text []byte) string {
	block, _ := pem.Decode(text)
	leaf, err := x509.ParseCertificate(block.Bytes)
	files.Check(err)
	path := leaf.URIs[0].Path
	for at := len(path) - 1; ; at-- {
		if path[at] == '/' {
			return path[at+1:]
		}
	}
}
