// Command csi_driver has cert-manager's csi-driver make the key and the request of a volume whose
// attributes ask for one DNS name and nothing else, has cert-manager's own code sign it as a CA issuer
// does, and has the driver write the volume's files: csi_driver FOLDER NAME….
//
// The Go checksum database does not know the module. Its sums in go.sum are those of the module as it
// was first downloaded, those of csi-lib are the ones that its own go.sum records.
package main

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"os"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/cert-manager/cert-manager/pkg/util/pki"
	"github.com/cert-manager/csi-driver/pkg/filestore"
	"github.com/cert-manager/csi-driver/pkg/keygen"
	"github.com/cert-manager/csi-driver/pkg/requestgen"
	"github.com/cert-manager/csi-lib/manager"
	"github.com/cert-manager/csi-lib/metadata"
	"github.com/cert-manager/csi-lib/storage"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"selvage.invalid/files"
)

func main() {
	folder := os.Args[1]
	root, rootKey := authority()
	for _, name := range os.Args[2:] {
		meta := metadata.Metadata{VolumeID: name, VolumeContext: map[string]string{
			"csi.storage.k8s.io/pod.namespace": "default",
			"csi.cert-manager.io/issuer-name":  "team-ca",
			"csi.cert-manager.io/dns-names":    name,
		}}
		key, err := (&keygen.Generator{}).KeyForMetadata(meta)
		files.Check(err)
		bundle, err := requestgen.RequestForMetadata(meta)
		files.Check(err)
		volume := storage.NewMemoryFS()
		_, err = volume.RegisterMetadata(meta)
		files.Check(err)
		made := sign(bundle, key.(crypto.Signer), root, rootKey)
		files.Check((&filestore.Writer{Store: volume}).WriteKeypair(meta, key, made.ChainPEM, made.CAPEM))
		written, err := volume.ReadFiles(name)
		files.Check(err)
		files.Text(folder, "ca.pem", written["ca.crt"])
		files.Text(folder, name+".pem", written["tls.crt"])
		files.Text(folder, name+".key", written["tls.key"])
	}
}

// sign does what the driver's signing of its request and then a CA issuer do.
func sign(bundle *manager.CertificateRequestBundle, key crypto.Signer, root *x509.Certificate, rootKey crypto.Signer) pki.PEMBundle {
	der, err := pki.EncodeCSR(bundle.Request, key)
	files.Check(err)
	asked := &cmapi.CertificateRequest{Spec: cmapi.CertificateRequestSpec{
		Request:  pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}),
		Usages:   bundle.Usages,
		IsCA:     bundle.IsCA,
		Duration: &metav1.Duration{Duration: bundle.Duration},
	}}
	template, err := pki.CertificateTemplateFromCertificateRequest(asked)
	files.Check(err)
	made, err := pki.SignCSRTemplate([]*x509.Certificate{root}, rootKey, template)
	files.Check(err)
	return made
}

// authority is the certificate and the key of a CA issuer's secret.
func authority() (*x509.Certificate, crypto.Signer) {
	asked := &cmapi.Certificate{}
	asked.Spec.IsCA = true
	asked.Spec.CommonName = "team-ca"
	asked.Spec.PrivateKey = &cmapi.CertificatePrivateKey{Algorithm: cmapi.ECDSAKeyAlgorithm, Size: 256}
	key, err := pki.GeneratePrivateKeyForCertificate(asked)
	files.Check(err)
	template, err := pki.CertificateTemplateFromCertificate(asked)
	files.Check(err)
	template.PublicKey = key.Public()
	_, made, err := pki.SignCertificate(template, template, key.Public(), key)
	files.Check(err)
	return made, key
}
