// Command kuma has Kuma's built-in authority make the root of a mesh and the certificates of
// dataplanes: kuma FOLDER SERVICE….
package main

import (
	"context"
	"os"

	mesh "github.com/kumahq/kuma/api/mesh/v1alpha1"
	"github.com/kumahq/kuma/pkg/core/secrets/cipher"
	secrets "github.com/kumahq/kuma/pkg/core/secrets/manager"
	"github.com/kumahq/kuma/pkg/core/secrets/store"
	"github.com/kumahq/kuma/pkg/plugins/ca/builtin"
	"github.com/kumahq/kuma/pkg/plugins/resources/memory"
	"selvage.invalid/files"
)

func main() {
	folder := os.Args[1]
	ctx := context.Background()
	authority := builtin.NewBuiltinCaManager(
		secrets.NewSecretManager(store.NewSecretStore(memory.NewStore()), cipher.None(), nil, false))
	backend := &mesh.CertificateAuthorityBackend{Name: "ca-1", Type: "builtin"}
	files.Check(authority.EnsureBackends(ctx, "default", []*mesh.CertificateAuthorityBackend{backend}))
	roots, err := authority.GetRootCert(ctx, "default", backend)
	files.Check(err)
	files.Text(folder, "ca.pem", roots[0])
	for _, service := range os.Args[2:] {
		// The tags of a dataplane that has but the one it must have.
		tags := mesh.MultiValueTagSet{"kuma.io/service": {service: true}}
		made, err := authority.GenerateDataplaneCert(ctx, "default", backend, tags)
		files.Check(err)
		files.Text(folder, service+".pem", made.CertPEM)
		files.Text(folder, service+".key", made.KeyPEM)
	}
}
