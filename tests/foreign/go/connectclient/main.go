// A client on connect-go, over Connect or over gRPC. It makes one kind of call, which a worker refuses.
package main

import (
	"context"
	"fmt"
	"net/http"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/emptypb"

	"selvage.test/foreign/program"
)

func main() {
	config := program.ReadConfig()
	transport := &http.Transport{TLSClientConfig: config.TLS(), ForceAttemptHTTP2: true}
	var options []connect.ClientOption
	if config.Protocol == "grpc" {
		options = append(options, connect.WithGRPC())
	}
	echo := connect.NewClient[emptypb.Empty, emptypb.Empty](
		&http.Client{Transport: transport},
		fmt.Sprintf("https://127.0.0.1:%d/selvage.test.v1.EchoService/Echo", config.Port),
		options...,
	)
	program.Serve(map[string]func(program.Question) any{
		"echo": func(program.Question) any {
			_, err := echo.CallUnary(context.Background(), connect.NewRequest(&emptypb.Empty{}))
			if err == nil {
				return program.Object{}
			}
			return program.Object{"failure": program.Object{"message": err.Error()}}
		},
	})
}
