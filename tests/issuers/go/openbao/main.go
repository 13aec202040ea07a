// Command openbao has OpenBao's own PKI engine make a root, a role with its default settings and
// certificates for it: openbao FOLDER NAME….
package main

import (
	"context"
	"log"
	"os"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/openbao/openbao/builtin/logical/pki"
	"github.com/openbao/openbao/sdk/v2/logical"
	"selvage.invalid/files"
)

func main() {
	folder, names := os.Args[1], os.Args[2:]
	config := logical.TestBackendConfig()
	config.StorageView = &logical.InmemStorage{}
	// A server's default lease, and the longest one of its quick start.
	config.System = &logical.StaticSystemView{
		DefaultLeaseTTLVal: 768 * time.Hour, MaxLeaseTTLVal: 87600 * time.Hour,
	}
	config.Logger = hclog.NewNullLogger()
	backend, err := pki.Factory(context.Background(), config)
	files.Check(err)
	files.Check(backend.Initialize(
		context.Background(), &logical.InitializationRequest{Storage: config.StorageView},
	))
	write := func(path string, data map[string]interface{}) map[string]interface{} {
		response, err := backend.HandleRequest(context.Background(), &logical.Request{
			Operation: logical.UpdateOperation, Path: path, Data: data,
			Storage: config.StorageView, MountPoint: "pki/",
		})
		files.Check(err)
		if response.IsError() {
			log.Fatalf("%s: %v", path, response.Error())
		}
		return response.Data
	}
	root := write("root/generate/internal", map[string]interface{}{
		"common_name": "Team CA", "ttl": "87600h",
	})
	files.Text(folder, "ca.pem", text(root["certificate"]))
	write("roles/worker", map[string]interface{}{
		"allowed_domains": strings.Join(names, ","), "allow_bare_domains": true,
	})
	for _, name := range names {
		made := write("issue/worker", map[string]interface{}{"common_name": name})
		files.Text(folder, name+".pem", text(made["certificate"]))
		files.Text(folder, name+".key", text(made["private_key"]))
	}
}

func text(value interface{}) []byte {
	return []byte(value.(string) + "\n")
}
