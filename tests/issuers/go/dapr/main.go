// Command dapr has Dapr Sentry's own authority make its root, its issuer and workload certificates:
// dapr FOLDER APPLICATION….
package main

import (
	"context"
	"crypto/x509"
	"os"
	"path/filepath"
	"time"

	"github.com/dapr/dapr/pkg/sentry/config"
	"github.com/dapr/dapr/pkg/sentry/server/ca"
	"selvage.invalid/files"
)

func main() {
	folder := os.Args[1]
	authority, err := ca.New(context.Background(), config.Config{
		TrustDomain: "public", WorkloadCertTTL: 24 * time.Hour, AllowedClockSkew: 15 * time.Minute,
		RootCertPath:   filepath.Join(folder, "ca.pem"),
		IssuerCertPath: filepath.Join(folder, "issuer.pem"),
		IssuerKeyPath:  filepath.Join(folder, "issuer.key"),
	})
	files.Check(err)
	for _, application := range os.Args[2:] {
		key := files.NewKey()
		chain, err := authority.SignIdentity(context.Background(), &ca.SignRequest{
			PublicKey: key.Public(), SignatureAlgorithm: x509.ECDSAWithSHA256,
			TrustDomain: "public", Namespace: "default", AppID: application,
		})
		files.Check(err)
		files.Certificates(folder, application+".pem", chain...)
		files.Key(folder, application+".key", key)
	}
}
