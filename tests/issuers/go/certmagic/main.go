// Command certmagic has the certificate manager of Caddy obtain and renew a certificate in its storage,
// from an issuer that gives what standard input names: certmagic FOLDER, versions on standard input.
package main

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"os"

	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"
	"selvage.invalid/files"
)

const name = "worker.example"

func main() {
	folder := os.Args[1]
	issuer := &given{}
	var cache *certmagic.Cache
	cache = certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert: func(certmagic.Certificate) (*certmagic.Config, error) {
			return certmagic.New(cache, certmagic.Config{}), nil
		},
		Logger: zap.NewNop(),
	})
	config := certmagic.New(cache, certmagic.Config{
		Storage: &certmagic.FileStorage{Path: folder}, Issuers: []certmagic.Issuer{issuer},
		KeySource: issuer, Logger: zap.NewNop(), DisableStorageCheck: true, DisableARI: true,
	})
	first := true
	files.EachVersion(func(version files.Version) {
		issuer.version = version
		if first {
			// Caddy keeps the root in a file of its own, which stays.
			files.Text(folder, "root.crt", version.CA)
			files.Check(config.ObtainCertSync(context.Background(), name))
			first = false
		} else {
			files.Check(config.RenewCertSync(context.Background(), name, true))
		}
	})
}

// given issues the version that is next, with its key.
type given struct{ version files.Version }

func (g *given) Issue(
	context.Context, *x509.CertificateRequest,
) (*certmagic.IssuedCertificate, error) {
	return &certmagic.IssuedCertificate{Certificate: g.version.Certificate}, nil
}

func (g *given) IssuerKey() string { return "local" }

func (g *given) GenerateKey() (crypto.PrivateKey, error) {
	block, _ := pem.Decode(g.version.Key)
	return x509.ParsePKCS8PrivateKey(block.Bytes)
}
