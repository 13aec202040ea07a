module selvage.invalid/trust_manager

go 1.26.8

replace selvage.invalid/files => ../files

require (
	github.com/cert-manager/trust-manager v0.25.0
	selvage.invalid/files v0.0.0
)

require github.com/go-logr/logr v1.4.4 // indirect
