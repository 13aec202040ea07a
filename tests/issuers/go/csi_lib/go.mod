module selvage.invalid/csi_lib

go 1.26.8

replace selvage.invalid/files => ../files

require (
	github.com/cert-manager/csi-lib v0.9.0
	selvage.invalid/files v0.0.0
)

require (
	github.com/go-logr/logr v1.4.2 // indirect
	k8s.io/apimachinery v0.31.1 // indirect
	k8s.io/klog/v2 v2.130.1 // indirect
)
