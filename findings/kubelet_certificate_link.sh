#!/usr/bin/env bash
# The link to a kubelet's own certificate and the moment without it.
#
# k8s.io/client-go v0.37.2 (util/certificate, FileStore) keeps a certificate with its key in a file of its
# own and turns the link NAME-current.pem to it. Where the link is there already, Update() removes it and
# then renames NAME-updated.pem to its name, although rename(2) alone would replace it: a program that opens the
# link in between finds no file. Seen by inotify at the second Update(): "delete cert-current.pem", then
# "rename to cert-current.pem".
#
# Needs Go 1.26 and openssl. Builds a program of the module above in a temporary folder, stores two
# certificates and prints what happened to the link. Exits 0 while it is removed before it is renamed, 1
# once that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
for number in 1 2; do
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$number" \
    -keyout "key$number.pem" -out "cert$number.pem" 2>/dev/null
done
cat >main.go <<'GO'
package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
	"k8s.io/client-go/util/certificate"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	check(os.Mkdir("store", 0o700))
	store, err := certificate.NewFileStore("cert", "store", "store", "", "")
	check(err)
	update := func(number string) {
		cert, err := os.ReadFile("cert" + number + ".pem")
		check(err)
		key, err := os.ReadFile("key" + number + ".pem")
		check(err)
		_, err = store.Update(cert, key)
		check(err)
	}
	update("1")
	watch, err := unix.InotifyInit1(0)
	check(err)
	_, err = unix.InotifyAddWatch(watch, "store", unix.IN_DELETE|unix.IN_MOVED_TO)
	check(err)
	update("2")
	buffer := make([]byte, 65536)
	length, err := unix.Read(watch, buffer)
	check(err)
	removed := false
	for at := 0; at < length; {
		mask := binary.NativeEndian.Uint32(buffer[at+4:])
		size := int(binary.NativeEndian.Uint32(buffer[at+12:]))
		name := string(bytes.TrimRight(buffer[at+16:at+16+size], "\x00"))
		at += 16 + size
		if name != "cert-current.pem" {
			continue
		}
		if mask&unix.IN_DELETE != 0 {
			fmt.Println("delete", name)
			removed = true
		} else {
			fmt.Println("rename to", name)
			if removed {
				os.Exit(0)
			}
		}
	}
	fmt.Println("the link was never away")
	os.Exit(1)
}
GO
go mod init finding.invalid/link >/dev/null 2>&1
go get k8s.io/client-go@v0.37.2 >/dev/null 2>&1
go mod tidy >/dev/null 2>&1
go run .
