#!/usr/bin/env bash
# Serial numbers of Linkerd's certificates begin at 1 whenever its identity service starts.
#
# github.com/linkerd/linkerd2 v0.5.1-0.20210517230931-5535e9c4edda (pkg/tls, CA): the root that
# GenerateRootCAWithDefaults() makes has the serial number 1, and an authority that NewCA() makes of the
# same credentials, as the identity service does at every start and whenever its issuer is read again, counts
# from 1 anew. The root and the first certificate of each run bear the same issuer and the same serial
# number, and so do the first certificates of any two runs: RFC 5280 section 4.1.2.2 has them unique for an
# issuer. A list that denies certificates by issuer and serial number denies other workloads with them; one by
# the hash of the key does not.
#
# Needs Go 1.26. Builds a program of the module above in a temporary folder, has one root and two authorities
# of it issue a certificate each, and prints the three serial numbers. Exits 0 while all are 1, 1 once that
# has changed. Output seen: "root 1, first run 1, second run 1".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >main.go <<'GO'
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"os"
	"time"

	"github.com/linkerd/linkerd2/pkg/tls"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func first(root *tls.CA, name string) *x509.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	run := tls.NewCA(root.Cred, tls.Validity{Lifetime: 24 * time.Hour})
	made, err := run.IssueEndEntityCrt(&x509.CertificateRequest{
		DNSNames: []string{name}, PublicKey: &key.PublicKey,
	})
	check(err)
	return made.Certificate
}

func main() {
	root, err := tls.GenerateRootCAWithDefaults("identity.linkerd.cluster.local")
	check(err)
	one := first(root, "a.default.serviceaccount.identity.linkerd.cluster.local")
	two := first(root, "b.default.serviceaccount.identity.linkerd.cluster.local")
	self := root.Cred.Certificate
	fmt.Printf("root %v, first run %v, second run %v\n", self.SerialNumber, one.SerialNumber, two.SerialNumber)
	if self.SerialNumber.Int64() != 1 || one.SerialNumber.Int64() != 1 || two.SerialNumber.Int64() != 1 {
		os.Exit(1)
	}
}
GO
cat >go.mod <<'MOD'
module finding

go 1.26

require github.com/linkerd/linkerd2 v0.5.1-0.20210517230931-5535e9c4edda

// A host that no longer answers; the module moved.
replace vbom.ml/util => github.com/fvbommel/util v0.0.3
MOD
export GOFLAGS=-mod=mod
go mod tidy 2>/dev/null
go run .
