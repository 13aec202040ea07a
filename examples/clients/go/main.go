// Command call calls a routine with net/http: HTTP/2, mutual TLS and JSON.
//
// Usage: call HOST:PORT ROUTINE JSON-ARGUMENTS, in a folder with ca.pem, cert.pem and key.pem.
package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"
)

type payload struct {
	JSON string `json:"json"`
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 4 {
		log.Fatal("usage: call HOST:PORT ROUTINE JSON-ARGUMENTS")
	}
	result, err := call(os.Args[1], os.Args[2], os.Args[3])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result)
}

func call(address, routine, arguments string) (string, error) {
	client, err := newClient()
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(map[string]any{"routine": routine, "arguments": payload{arguments}})
	if err != nil {
		return "", err
	}
	url := "https://" + address + "/selvage.v1.WorkerService/Call"
	response, err := client.Post(url, "application/json", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	var answer struct {
		Result  payload `json:"result"`
		Code    string  `json:"code"`
		Message string  `json:"message"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return "", err
	}
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: %s", answer.Code, answer.Message)
	}
	return answer.Result.JSON, nil
}

func newClient() (*http.Client, error) {
	ca, err := os.ReadFile("ca.pem")
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	certificate, err := tls.LoadX509KeyPair("cert.pem", "key.pem")
	if err != nil {
		return nil, err
	}
	return &http.Client{
		Timeout: 30 * time.Second,
		Transport: &http.Transport{
			ForceAttemptHTTP2: true,
			TLSClientConfig:   &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{certificate}},
		},
	}, nil
}
