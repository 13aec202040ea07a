// Unary calls of connect-go between two processes, mutual TLS, one connection. A driver as driver.ts is.
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"selvage.bench/peers/bench"
)

type message = wrapperspb.StringValue

const path = "/bench.Bench/Call"

func main() {
	if len(os.Args) > 1 {
		serve()
		return
	}
	bench.Serve(func(port string) bench.Measure {
		transport := &http.Transport{TLSClientConfig: bench.ClientTLS(), ForceAttemptHTTP2: true}
		client := connect.NewClient[message, message](
			&http.Client{Transport: transport},
			"https://127.0.0.1:"+port+path,
		)
		request := &message{Value: fmt.Sprintf("%062d", 0)}
		return func(parts []string, duration time.Duration) (bench.Done, bool) {
			if parts[0] != "service" && parts[0] != "service_plain" {
				return bench.Done{}, false
			}
			return bench.Calls(parts[1], duration, func() {
				_, err := client.CallUnary(context.Background(), connect.NewRequest(request))
				check(err)
			})
		}
	})
}

func serve() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	mux := http.NewServeMux()
	mux.Handle(path, connect.NewUnaryHandler(path, func(
		_ context.Context, request *connect.Request[message],
	) (*connect.Response[message], error) {
		return connect.NewResponse(request.Msg), nil
	}))
	server := &http.Server{Handler: mux, TLSConfig: bench.ServerTLS()}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	check(server.ServeTLS(listener, "", ""))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
