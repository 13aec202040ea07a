// Command cert_manager has cert-manager's own code make what a CA issuer makes of Certificate
// resources: cert_manager FOLDER NAME…. A name that begins with "four:" asks for the four usages; one
// that begins with "below:" asks an issuer whose own certificate an issuer of the root has made.
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

// issuer is a CA issuer: the key of its secret, the chain in tls.crt and the certificate in ca.crt.
type issuer struct {
	key   crypto.Signer
	chain []*x509.Certificate
	ca    *x509.Certificate
}

func main() {
	folder := os.Args[1]
	root := authority("team-ca", nil)
	between := authority("team-issuing-ca", root)
	for _, argument := range os.Args[2:] {
		usages, name, found := strings.Cut(argument, ":")
		if !found {
			usages, name = "", argument
		}
		asked := certificate(name)
		if usages == "four" {
			asked.Spec.Usages = []cmapi.KeyUsage{
				cmapi.UsageDigitalSignature, cmapi.UsageKeyEncipherment,
				cmapi.UsageServerAuth, cmapi.UsageClientAuth,
			}
		}
		from := root
		if usages == "below" {
			from = between
		}
		key := keyFor(asked)
		made := from.sign(asked, key)
		files.Text(folder, "ca.pem", made.CAPEM)
		files.Text(folder, name+".pem", made.ChainPEM)
		text, err := pki.EncodePrivateKey(key, cmapi.PKCS1)
		files.Check(err)
		files.Text(folder, name+".key", text)
	}
}

// authority is an issuer whose certificate another one has made, or itself.
func authority(name string, from *issuer) *issuer {
	asked := certificate(name)
	asked.Spec.IsCA = true
	asked.Spec.CommonName = name
	asked.Spec.DNSNames = nil
	key := keyFor(asked)
	if from != nil {
		made := from.sign(asked, key)
		return &issuer{key, parse(made.ChainPEM), parse(made.CAPEM)[0]}
	}
	self := template(asked, key)
	_, made, err := pki.SignCertificate(self, self, key.Public(), key)
	files.Check(err)
	return &issuer{key, []*x509.Certificate{made}, made}
}

func (i *issuer) sign(asked *cmapi.Certificate, key crypto.Signer) pki.PEMBundle {
	made, err := pki.SignCSRTemplate(append(i.chain, i.ca), i.key, template(asked, key))
	files.Check(err)
	return made
}

// certificate is the resource that the documentation starts with.
func certificate(name string) *cmapi.Certificate {
	asked := &cmapi.Certificate{}
	asked.Spec.SecretName = name
	asked.Spec.DNSNames = []string{name}
	asked.Spec.PrivateKey = &cmapi.CertificatePrivateKey{Algorithm: cmapi.ECDSAKeyAlgorithm, Size: 256}
	return asked
}

func template(asked *cmapi.Certificate, key crypto.Signer) *x509.Certificate {
	made, err := pki.CertificateTemplateFromCertificate(asked)
	files.Check(err)
	made.PublicKey = key.Public()
	return made
}

func keyFor(asked *cmapi.Certificate) crypto.Signer {
	made, err := pki.GeneratePrivateKeyForCertificate(asked)
	files.Check(err)
	return made
}

func parse(text []byte) []*x509.Certificate {
	made, err := pki.DecodeX509CertificateChainBytes(text)
	files.Check(err)
	return made
}
