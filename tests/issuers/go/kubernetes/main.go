// Command kubernetes has kube-controller-manager's own authority sign requests as its signers
// kubelet-serving and kube-apiserver-client do: kubernetes FOLDER WORKER CALLER.
// kubernetes write FOLDER has the store write versions there in which the kubelet keeps its own ones.
package main

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"os"
	"time"

	capi "k8s.io/api/certificates/v1"
	"k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/certificate"
	"k8s.io/kubernetes/pkg/controller/certificates/authority"
	"selvage.invalid/files"
)

func main() {
	if os.Args[1] == "write" {
		writeVersions(os.Args[2])
		return
	}
	folder, worker, caller := os.Args[1], os.Args[2], os.Args[3]
	rootKey := files.NewKey()
	// As kubeadm makes the cluster's root.
	root, err := cert.NewSelfSignedCACert(cert.Config{CommonName: "kubernetes"}, rootKey)
	files.Check(err)
	files.Certificates(folder, "ca.pem", root)
	signer := &authority.CertificateAuthority{Certificate: root, PrivateKey: rootKey}
	sign := func(name string, purpose capi.KeyUsage, subject pkix.Name) {
		key := files.NewKey()
		request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
			Subject: subject, DNSNames: []string{name},
		}, key)
		files.Check(err)
		made, err := signer.Sign(request, authority.PermissiveSigningPolicy{
			TTL: 365 * 24 * time.Hour, Backdate: 5 * time.Minute, Short: 8 * time.Hour,
			Usages: []capi.KeyUsage{capi.UsageDigitalSignature, capi.UsageKeyEncipherment, purpose},
		})
		files.Check(err)
		leaf, err := x509.ParseCertificate(made)
		files.Check(err)
		files.Certificates(folder, name+".pem", leaf)
		files.Key(folder, name+".key", key)
	}
	node := pkix.Name{CommonName: "system:node:" + worker, Organization: []string{"system:nodes"}}
	sign(worker, capi.UsageServerAuth, node)
	sign(caller, capi.UsageClientAuth, pkix.Name{CommonName: caller, SerialNumber: big.NewInt(7).String()})
}

func writeVersions(folder string) {
	store, err := certificate.NewFileStore("kubelet-server", folder, folder, "", "")
	files.Check(err)
	rootWritten := false
	files.EachVersion(func(version files.Version) {
		// The root is of another file, which stays.
		if !rootWritten {
			files.Text(folder, "ca.crt", version.CA)
			rootWritten = true
		}
		_, err := store.Update(version.Certificate, version.Key)
		files.Check(err)
	})
}
