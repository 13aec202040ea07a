// Command vault_sdk has the certificate code of Vault's and OpenBao's PKI engine make a root and
// certificates with the settings that a role starts with: vault_sdk FOLDER NAME….
package main

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"os"
	"time"

	"github.com/hashicorp/vault/sdk/helper/certutil"
	"selvage.invalid/files"
)

func main() {
	folder := os.Args[1]
	root, err := certutil.CreateCertificate(&certutil.CreationBundle{
		Params: &certutil.CreationParameters{
			Subject: pkix.Name{CommonName: "Team CA"}, IsCA: true, KeyType: "ec", KeyBits: 256,
			NotAfter: time.Now().Add(30 * 24 * time.Hour), NotBeforeDuration: 30 * time.Second,
			URLs: &certutil.URLEntries{}, MaxPathLength: -1,
		},
	})
	files.Check(err)
	files.Certificates(folder, "ca.pem", root.Certificate)
	for _, name := range os.Args[2:] {
		made, err := certutil.CreateCertificate(&certutil.CreationBundle{
			Params: &certutil.CreationParameters{
				Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
				KeyType: "ec", KeyBits: 256, NotBeforeDuration: 30 * time.Second,
				NotAfter: time.Now().Add(24 * time.Hour),
				KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyAgreement |
					x509.KeyUsageKeyEncipherment,
				ExtKeyUsage: certutil.ServerAuthExtKeyUsage | certutil.ClientAuthExtKeyUsage,
				URLs:        &certutil.URLEntries{},
			},
			SigningBundle: &certutil.CAInfoBundle{
				ParsedCertBundle: *root, URLs: &certutil.URLEntries{},
			},
		})
		files.Check(err)
		files.Certificates(folder, name+".pem", made.Certificate)
		files.Text(folder, name+".key", []byte(keyOf(made)))
	}
}

func keyOf(made *certutil.ParsedCertBundle) string {
	bundle, err := made.ToCertBundle()
	files.Check(err)
	return bundle.PrivateKey + "\n"
}
