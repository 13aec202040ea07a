// HTTP/2 servers, or TLS clients, by Go's own library. The configuration comes as JSON on standard input, what happens
// goes to standard output.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"time"
)

type peer struct {
	Name       string   `json:"name"`
	Cert       string   `json:"cert"`
	Key        string   `json:"key"`
	CA         string   `json:"ca"`
	Client     bool     `json:"client"`
	MinVersion string   `json:"minVersion"`
	MaxVersion string   `json:"maxVersion"`
	ALPN       []string `json:"alpn"`
	Port       string   `json:"port"`
	ServerName string   `json:"serverName"`
}

type config struct {
	Listeners []peer `json:"listeners"`
	Steps     []peer `json:"steps"`
}

var versions = map[string]uint16{"": 0, "TLSv1.2": tls.VersionTLS12, "TLSv1.3": tls.VersionTLS13}

func main() {
	log.SetOutput(io.Discard)
	var given config
	if err := json.NewDecoder(os.Stdin).Decode(&given); err != nil {
		panic(err)
	}
	if len(given.Listeners) > 0 {
		serve(given.Listeners)
		return
	}
	for _, step := range given.Steps {
		connect(step)
	}
}

func serve(listeners []peer) {
	ports := map[string]int{}
	for _, one := range listeners {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			panic(err)
		}
		ports[one.Name] = listener.Addr().(*net.TCPAddr).Port
		server := &http.Server{TLSConfig: tlsOf(one), ErrorLog: log.Default(), Handler: http.NotFoundHandler()}
		if one.ALPN != nil {
			// Go adds h2 by itself unless other protocols are said to be spoken, none for instance.
			server.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){}
		}
		go server.ServeTLS(listener, "", "")
	}
	tell(map[string]any{"event": "listening", "ports": ports})
	select {}
}

func connect(step peer) {
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	connection, err := tls.DialWithDialer(dialer, "tcp", "127.0.0.1:"+step.Port, tlsOf(step))
	if err == nil {
		connection.SetDeadline(time.Now().Add(5 * time.Second))
		_, err = connection.Read(make([]byte, 1024))
		connection.Close()
	}
	tell(map[string]any{"event": "done", "name": step.Name, "error": textOf(err)})
}

func tlsOf(one peer) *tls.Config {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(one.CA))
	made := &tls.Config{
		RootCAs:    pool,
		ClientCAs:  pool,
		NextProtos: one.ALPN,
		MinVersion: versions[one.MinVersion],
		MaxVersion: versions[one.MaxVersion],
		ServerName: one.ServerName,
	}
	if one.Client {
		made.ClientAuth = tls.RequireAndVerifyClientCert
	}
	if one.Cert != "" {
		certificate, err := tls.X509KeyPair([]byte(one.Cert), []byte(one.Key))
		if err != nil {
			panic(err)
		}
		// A client is free to show a certificate that the server's authorities have not signed.
		made.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &certificate, nil }
		made.Certificates = []tls.Certificate{certificate}
	}
	return made
}

func textOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func tell(event map[string]any) {
	line, _ := json.Marshal(event)
	os.Stdout.Write(append(line, '\n'))
}
