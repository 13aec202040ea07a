module selvage.invalid/consul_template

go 1.26.8

replace selvage.invalid/files => ../files

require (
	github.com/hashicorp/consul-template v0.41.0
	selvage.invalid/files v0.0.0
)

require github.com/pkg/errors v0.9.1 // indirect
