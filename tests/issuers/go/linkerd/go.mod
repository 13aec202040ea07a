module selvage.invalid/linkerd

go 1.26.8

replace selvage.invalid/files => ../files

require selvage.invalid/files v0.0.0

require github.com/linkerd/linkerd2 v0.5.1-0.20210517230931-5535e9c4edda

require (
	github.com/fsnotify/fsnotify v1.4.9 // indirect
	github.com/sirupsen/logrus v1.7.0 // indirect
	golang.org/x/sys v0.0.0-20200622214017-ed371f2e16b4 // indirect
)

replace vbom.ml/util => github.com/fvbommel/util v0.0.3
