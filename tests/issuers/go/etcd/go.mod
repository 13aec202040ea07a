module selvage.invalid/etcd

go 1.26.8

replace selvage.invalid/files => ../files

require (
	go.uber.org/zap v1.27.0
	selvage.invalid/files v0.0.0
)

require (
	go.etcd.io/etcd/client/pkg/v3 v3.6.16
	go.uber.org/multierr v1.11.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
)
