// Package files writes certificates and keys as the tests read them.
package files

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"log"
	"os"
	"path/filepath"
)

// Check ends the program where there is an error.
func Check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// Text writes a file of the folder.
func Text(folder, name string, text []byte) {
	Check(os.WriteFile(filepath.Join(folder, name), text, 0o600))
}

// Certificates writes certificates in PEM.
func Certificates(folder, name string, certificates ...*x509.Certificate) {
	var text []byte
	for _, certificate := range certificates {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})...)
	}
	Text(folder, name, text)
}

// Key writes a private key as PKCS #8 in PEM.
func Key(folder, name string, key crypto.Signer) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	Check(err)
	Text(folder, name, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// NewKey makes a P-256 key.
func NewKey() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	Check(err)
	return key
}
