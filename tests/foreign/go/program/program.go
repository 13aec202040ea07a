// Package program is the line protocol of program.ts: a configuration, then questions; events and
// answers back.
package program

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// Config is what the test wants.
type Config struct {
	CA           string `json:"ca"`
	Cert         string `json:"cert"`
	Key          string `json:"key"`
	Port         int    `json:"port"`
	Descriptors  string `json:"descriptors"`
	Streams      uint32 `json:"streams"`
	LeaveAfterMs int    `json:"leaveAfterMs"`
	// Groups are those of the key exchange; without any, Go's own.
	Groups []string `json:"groups"`
	// OldTLS is TLS 1.2 and nothing newer.
	OldTLS bool `json:"oldTls"`
	// Protocol is connect-go's: "connect" or "grpc".
	Protocol string `json:"protocol"`
}

// Question is one thing a program is asked for.
type Question struct {
	ID        int      `json:"id"`
	Ask       string   `json:"ask"`
	Text      string   `json:"text"`
	Texts     []string `json:"texts"`
	Bytes     int      `json:"bytes"`
	Count     int      `json:"count"`
	Callers   int      `json:"callers"`
	Say       string   `json:"say"`
	TimeoutMs int      `json:"timeoutMs"`
}

// Object is what is written in JSON.
type Object = map[string]any

var (
	input  = bufio.NewReaderSize(os.Stdin, 1<<20)
	output sync.Mutex
)

// ReadConfig reads the first line.
func ReadConfig() Config {
	var config Config
	line, err := input.ReadBytes('\n')
	Must(err)
	Must(json.Unmarshal(line, &config))
	return config
}

// Tell tells the test what happens.
func Tell(event string, about Object) {
	line := Object{"event": event}
	for name, value := range about {
		line[name] = value
	}
	write(line)
}

// Serve answers questions, several at a time, until there are no more.
func Serve(answers map[string]func(Question) any) {
	for {
		line, err := input.ReadBytes('\n')
		if err != nil {
			return
		}
		var question Question
		Must(json.Unmarshal(line, &question))
		answer, known := answers[question.Ask]
		if !known {
			write(Object{"id": question.ID, "fault": "unknown question " + question.Ask})
			continue
		}
		go func() {
			defer func() {
				if fault := recover(); fault != nil {
					write(Object{"id": question.ID, "fault": fmt.Sprint(fault)})
				}
			}()
			write(Object{"id": question.ID, "answer": answer(question)})
		}()
	}
}

func write(line Object) {
	bytes, err := json.Marshal(line)
	Must(err)
	output.Lock()
	defer output.Unlock()
	os.Stdout.Write(append(bytes, '\n'))
}

// Must ends the program where there is an error.
func Must(err error) {
	if err != nil {
		log.Panic(err)
	}
}

// TLS is mutual TLS with the certificate of the configuration, at either end; a client without one shows none.
func (config Config) TLS() *tls.Config {
	authorities := x509.NewCertPool()
	authorities.AppendCertsFromPEM([]byte(config.CA))
	return &tls.Config{
		CurvePreferences: config.groups(),
		MaxVersion:       config.newest(),
		Certificates:     config.certificates(),
		RootCAs:          authorities,
		ClientCAs:        authorities,
		ClientAuth:       tls.RequireAndVerifyClientCert,
		NextProtos:       []string{"h2"},
	}
}

func (config Config) certificates() []tls.Certificate {
	if config.Cert == "" {
		return nil
	}
	certificate, err := tls.X509KeyPair([]byte(config.Cert), []byte(config.Key))
	Must(err)
	return []tls.Certificate{certificate}
}

var groups = map[string]tls.CurveID{
	"x25519":         tls.X25519,
	"secp256r1":      tls.CurveP256,
	"X25519MLKEM768": tls.X25519MLKEM768,
}

func (config Config) groups() (ids []tls.CurveID) {
	for _, name := range config.Groups {
		ids = append(ids, groups[name])
	}
	return ids
}

func (config Config) newest() uint16 {
	if config.OldTLS {
		return tls.VersionTLS12
	}
	return tls.VersionTLS13
}

// Group is the group that a connection has agreed on, as Go sees it; by its IANA name.
func Group(state *tls.ConnectionState) string {
	for name, id := range groups {
		if id == state.CurveID {
			return name
		}
	}
	return state.CurveID.String()
}

// Message finds the description of a message.
func (config Config) Message(name protoreflect.FullName) protoreflect.MessageDescriptor {
	bytes, err := base64.StdEncoding.DecodeString(config.Descriptors)
	Must(err)
	var set descriptorpb.FileDescriptorSet
	Must(proto.Unmarshal(bytes, &set))
	files, err := protodesc.NewFiles(&set)
	Must(err)
	found, err := files.FindDescriptorByName(name)
	Must(err)
	return found.(protoreflect.MessageDescriptor)
}

// Pattern is bytes that tell whether they arrived as they were.
func Pattern(length int) []byte {
	bytes := make([]byte, length)
	for at := range bytes {
		bytes[at] = byte(at * 31)
	}
	return bytes
}
