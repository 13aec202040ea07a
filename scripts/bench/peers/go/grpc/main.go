// Calls and streams of grpc-go between two processes, mutual TLS, one connection. A driver as driver.ts is.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"slices"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"selvage.bench/peers/bench"
)

type message = wrapperspb.BytesValue

// handler is what RegisterService checks the service against.
type handler interface{}

var service = grpc.ServiceDesc{
	ServiceName: "bench.Bench",
	HandlerType: (*handler)(nil),
	Methods: []grpc.MethodDesc{{MethodName: "Call", Handler: func(
		_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor,
	) (any, error) {
		request := &message{}
		return request, decode(request)
	}}},
	Streams: []grpc.StreamDesc{
		{StreamName: "Down", ServerStreams: true, Handler: func(_ any, stream grpc.ServerStream) error {
			request := &message{}
			if err := stream.RecvMsg(request); err != nil {
				return err
			}
			bytes, err := strconv.Atoi(string(request.Value))
			if err != nil {
				return err
			}
			item := &message{Value: make([]byte, bytes)}
			for {
				if err := stream.SendMsg(item); err != nil {
					return err
				}
			}
		}},
		{StreamName: "Up", ClientStreams: true, Handler: func(_ any, stream grpc.ServerStream) error {
			for {
				if err := stream.RecvMsg(&message{}); err == io.EOF {
					return stream.SendMsg(&message{})
				} else if err != nil {
					return err
				}
			}
		}},
		{StreamName: "Echo", ClientStreams: true, ServerStreams: true, Handler: func(
			_ any, stream grpc.ServerStream,
		) error {
			for {
				item := &message{}
				if err := stream.RecvMsg(item); err == io.EOF {
					return nil
				} else if err != nil {
					return err
				}
				if err := stream.SendMsg(item); err != nil {
					return err
				}
			}
		}},
	},
}

func main() {
	if len(os.Args) > 1 {
		serve()
		return
	}
	bench.Serve(func(port string) bench.Measure {
		connection := dial(port)
		return func(parts []string, duration time.Duration) (bench.Done, bool) {
			return measured(connection, port, parts, duration)
		}
	})
}

func serve() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	server := grpc.NewServer(grpc.Creds(credentials.NewTLS(bench.ServerTLS())))
	server.RegisterService(&service, struct{}{})
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	check(server.Serve(listener))
}

func dial(port string) *grpc.ClientConn {
	connection, err := grpc.NewClient(
		"127.0.0.1:"+port,
		grpc.WithTransportCredentials(credentials.NewTLS(bench.ClientTLS())),
	)
	check(err)
	return connection
}

func measured(
	connection *grpc.ClientConn, port string, parts []string, duration time.Duration,
) (bench.Done, bool) {
	end := time.Now().Add(duration)
	switch kind := parts[0]; kind {
	case "calls", "echo64b":
		request := &message{Value: make([]byte, map[string]int{"calls": 16, "echo64b": 62}[kind])}
		return bench.Calls(parts[1], duration, func() { call(connection, request) })
	case "connect":
		atOnce, _ := strconv.Atoi(parts[1])
		return bench.Rate(atOnce, duration, func() {
			one := dial(port)
			call(one, &message{})
			one.Close()
		}), true
	case "down":
		return bench.Items(parts[1], parts[2], func(bytes int) int { return down(connection, bytes, end) })
	case "up":
		return bench.Items(parts[1], parts[2], func(bytes int) int { return up(connection, bytes, end) })
	case "duplex":
		return roundTrips(connection, end), true
	}
	return bench.Done{}, false
}

func call(connection *grpc.ClientConn, request *message) {
	check(connection.Invoke(context.Background(), "/bench.Bench/Call", request, &message{}))
}

func open(connection *grpc.ClientConn, at int) (grpc.ClientStream, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	desc := &service.Streams[at]
	stream, err := connection.NewStream(ctx, desc, "/bench.Bench/"+desc.StreamName)
	check(err)
	return stream, cancel
}

func down(connection *grpc.ClientConn, bytes int, end time.Time) int {
	stream, cancel := open(connection, 0)
	defer cancel()
	check(stream.SendMsg(&message{Value: []byte(strconv.Itoa(bytes))}))
	check(stream.CloseSend())
	count := 0
	for ; bytes < 32768 && count%32 != 31 || time.Now().Before(end); count++ {
		check(stream.RecvMsg(&message{}))
	}
	return count
}

func up(connection *grpc.ClientConn, bytes int, end time.Time) int {
	stream, cancel := open(connection, 1)
	defer cancel()
	item := &message{Value: make([]byte, bytes)}
	count := 0
	for ; bytes < 32768 && count%32 != 31 || time.Now().Before(end); count++ {
		check(stream.SendMsg(item))
	}
	check(stream.CloseSend())
	check(stream.RecvMsg(&message{}))
	return count
}

func roundTrips(connection *grpc.ClientConn, end time.Time) bench.Done {
	stream, cancel := open(connection, 2)
	defer cancel()
	item := &message{Value: make([]byte, 32)}
	taken := []float64{}
	for time.Now().Before(end) {
		start := time.Now()
		check(stream.SendMsg(item))
		check(stream.RecvMsg(&message{}))
		taken = append(taken, time.Since(start).Seconds()*1e3)
	}
	slices.Sort(taken)
	return bench.Done{Count: len(taken), Value: taken[len(taken)/2]}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
