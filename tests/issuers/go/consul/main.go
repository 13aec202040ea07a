// Command consul has Consul's own code make certificates: consul FOLDER connect SERVICE… has the
// built-in authority of Connect sign services of the data center dc1, consul FOLDER agent NAME… runs
// `consul tls ca create` and, for each name, `consul tls cert create -server`.
package main

import (
	"log"
	"os"

	"github.com/hashicorp/consul/agent/connect"
	"github.com/hashicorp/consul/agent/connect/ca"
	"github.com/hashicorp/consul/agent/consul/state"
	"github.com/hashicorp/consul/agent/structs"
	cacreate "github.com/hashicorp/consul/command/tls/ca/create"
	certcreate "github.com/hashicorp/consul/command/tls/cert/create"
	"github.com/hashicorp/go-hclog"
	"github.com/mitchellh/cli"
	"selvage.invalid/files"
)

// The identifier of a cluster, which is random in others.
const cluster = "11111111-2222-3333-4444-555555555555"

func main() {
	folder, names := os.Args[1], os.Args[3:]
	if os.Args[2] == "connect" {
		makeServices(folder, names)
	} else {
		makeAgents(folder, names)
	}
}

func makeServices(folder string, services []string) {
	config := &structs.CAConfiguration{
		ClusterID: cluster, Provider: "consul", Config: map[string]interface{}{},
	}
	store, err := state.NewStateStore(nil)
	files.Check(err)
	files.Check(store.CASetConfig(0, config))
	provider := &ca.ConsulProvider{Delegate: &delegate{store}}
	provider.SetLogger(hclog.NewNullLogger())
	files.Check(provider.Configure(ca.ProviderConfig{
		ClusterID: cluster, Datacenter: "dc1", IsPrimary: true, RawConfig: config.Config,
	}))
	files.Check(provider.GenerateRoot())
	root, err := provider.ActiveRoot()
	files.Check(err)
	files.Text(folder, "ca.pem", []byte(root))
	for _, service := range services {
		id := &connect.SpiffeIDService{
			Host: cluster + ".consul", Namespace: "default", Datacenter: "dc1", Service: service,
		}
		name, err := connect.CNForCertURI(id)
		files.Check(err)
		signer, key, err := connect.GeneratePrivateKey()
		files.Check(err)
		text, err := connect.CreateCSR(id, name, signer, nil, nil)
		files.Check(err)
		request, err := connect.ParseCSR(text)
		files.Check(err)
		made, err := provider.Sign(request)
		files.Check(err)
		files.Text(folder, service+".pem", []byte(made))
		files.Text(folder, service+".key", []byte(key))
	}
}

// delegate keeps the authority's state in the store of a Consul server, without a cluster.
type delegate struct{ store *state.Store }

func (d *delegate) State() *state.Store { return d.store }

func (d *delegate) ApplyCARequest(request *structs.CARequest) (interface{}, error) {
	if request.Op == structs.CAOpIncrementProviderSerialNumber {
		return d.store.CAIncrementProviderSerialNumber()
	}
	return ca.ApplyCARequestToStore(d.store, request)
}

func makeAgents(folder string, names []string) {
	files.Check(os.Chdir(folder))
	ui := &cli.BasicUi{Writer: os.Stderr, ErrorWriter: os.Stderr}
	run := func(command cli.Command, args ...string) {
		if code := command.Run(args); code != 0 {
			log.Fatalf("%v ended with code %d", args, code)
		}
	}
	run(cacreate.New(ui))
	files.Check(os.Rename("consul-agent-ca.pem", "ca.pem"))
	for _, name := range names {
		run(certcreate.New(ui),
			"-server", "-ca", "ca.pem", "-key", "consul-agent-ca-key.pem", "-additional-dnsname", name)
		files.Check(os.Rename("dc1-server-consul-0.pem", name+".pem"))
		files.Check(os.Rename("dc1-server-consul-0-key.pem", name+".key"))
	}
}
