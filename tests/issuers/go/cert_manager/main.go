// Command cert_manager has cert-manager's own code make what a CA issuer makes of Certificate
// resources: cert_manager FOLDER NAME…. A name that begins with "four:" asks for the four usages.
package main

import (
	"crypto"
	"crypto/x509"
	"os"
	"strings"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/cert-manager/cert-manager/pkg/util/pki"
	"selvage.invalid/files"
)

func main() {
	folder := os.Args[1]
	root := certificate("team-ca")
	root.Spec.IsCA = true
	root.Spec.DNSNames = nil
	rootKey := key(root)
	rootTemplate := template(root)
	_, authority, err := pki.SignCertificate(rootTemplate, rootTemplate, rootKey.Public(), rootKey)
	files.Check(err)
	files.Certificates(folder, "ca.pem", authority)
	for _, argument := range os.Args[2:] {
		name := strings.TrimPrefix(argument, "four:")
		asked := certificate(name)
		if name != argument {
			asked.Spec.Usages = []cmapi.KeyUsage{
				cmapi.UsageDigitalSignature, cmapi.UsageKeyEncipherment,
				cmapi.UsageServerAuth, cmapi.UsageClientAuth,
			}
		}
		signer := key(asked)
		_, made, err := pki.SignCertificate(template(asked), authority, signer.Public(), rootKey)
		files.Check(err)
		files.Certificates(folder, name+".pem", made)
		text, err := pki.EncodePrivateKey(signer, cmapi.PKCS1)
		files.Check(err)
		files.Text(folder, name+".key", text)
	}
}

// certificate is the resource that the documentation starts with.
func certificate(name string) *cmapi.Certificate {
	asked := &cmapi.Certificate{}
	asked.Spec.SecretName = name
	asked.Spec.CommonName = ""
	asked.Spec.DNSNames = []string{name}
	asked.Spec.PrivateKey = &cmapi.CertificatePrivateKey{Algorithm: cmapi.ECDSAKeyAlgorithm, Size: 256}
	if name == "team-ca" {
		asked.Spec.CommonName = name
	}
	return asked
}

func template(asked *cmapi.Certificate) *x509.Certificate {
	made, err := pki.CertificateTemplateFromCertificate(asked)
	files.Check(err)
	return made
}

func key(asked *cmapi.Certificate) crypto.Signer {
	made, err := pki.GeneratePrivateKeyForCertificate(asked)
	files.Check(err)
	return made
}
