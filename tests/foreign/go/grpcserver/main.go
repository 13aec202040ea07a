// A server on grpc-go.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/anypb"

	rpc "google.golang.org/genproto/googleapis/rpc/status"

	"selvage.test/foreign/program"
)

type server struct {
	echo     program.Echo
	lock     sync.Mutex
	released chan struct{}
}

func main() {
	config := program.ReadConfig()
	s := &server{echo: config.Echo(), released: make(chan struct{})}
	options := []grpc.ServerOption{
		grpc.Creds(credentials.NewTLS(config.TLS())),
		grpc.MaxRecvMsgSize(1 << 30),
		grpc.MaxSendMsgSize(1 << 30),
		grpc.StatsHandler(connections{}),
	}
	if config.Streams > 0 {
		options = append(options, grpc.MaxConcurrentStreams(config.Streams))
	}
	if config.LeaveAfterMs > 0 {
		options = append(options, grpc.KeepaliveParams(keepalive.ServerParameters{
			MaxConnectionAge: time.Duration(config.LeaveAfterMs) * time.Millisecond,
		}))
	}
	served := s.serve(options, "127.0.0.1:0")
	program.Tell("listening", program.Object{"port": served.port})
	program.Serve(map[string]func(program.Question) any{
		"release": func(program.Question) any {
			s.lock.Lock()
			defer s.lock.Unlock()
			close(s.released)
			s.released = make(chan struct{})
			return nil
		},
		"leave": func(program.Question) any {
			leaving := served
			go leaving.GracefulStop()
			served = s.serve(options, fmt.Sprintf("127.0.0.1:%d", leaving.port))
			return nil
		},
	})
}

// listening is a server and where it listens.
type listening struct {
	*grpc.Server
	port int
}

// serve begins to serve at an address, once whoever listened there has let go of it.
func (s *server) serve(options []grpc.ServerOption, address string) listening {
	served := grpc.NewServer(options...)
	served.RegisterService(&grpc.ServiceDesc{
		ServiceName: "selvage.test.v1.EchoService",
		HandlerType: (*any)(nil),
		Streams: []grpc.StreamDesc{
			{StreamName: "Echo", Handler: s.unary},
			{StreamName: "Repeat", Handler: s.repeat, ServerStreams: true},
			{StreamName: "Collect", Handler: s.collect, ClientStreams: true},
			{StreamName: "Converse", Handler: s.converse, ServerStreams: true, ClientStreams: true},
		},
	}, s)
	for {
		listener, err := net.Listen("tcp", address)
		if errors.Is(err, syscall.EADDRINUSE) {
			runtime.Gosched()
			continue
		}
		program.Must(err)
		go func() { program.Must(served.Serve(listener)) }()
		return listening{served, listener.Addr().(*net.TCPAddr).Port}
	}
}

// connections tells of every new connection.
type connections struct{}

func (connections) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context   { return ctx }
func (connections) HandleRPC(context.Context, stats.RPCStats)                         {}
func (connections) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (connections) HandleConn(_ context.Context, event stats.ConnStats) {
	if _, begins := event.(*stats.ConnBegin); begins {
		program.Tell("session", nil)
	}
}

// annotate answers with what the caller asked to be said.
func annotate(stream grpc.ServerStream) {
	incoming, _ := metadata.FromIncomingContext(stream.Context())
	if said := incoming.Get("x-say"); len(said) > 0 {
		program.Must(stream.SetHeader(metadata.Pairs("x-said", said[0])))
		stream.SetTrailer(metadata.Pairs("x-said-last", said[0]))
	}
}

// obey does what a request asks for.
func (s *server) obey(stream grpc.ServerStream, text string) error {
	if text == "fail" {
		stream.SetTrailer(metadata.Pairs("x-failure", "yes", "x-failure-bin", "\x00\x01\x02"))
		value, err := proto.Marshal(s.echo.Request("a detail", nil, 7))
		program.Must(err)
		return status.FromProto(&rpc.Status{
			Code:    int32(codes.FailedPrecondition),
			Message: "asked to fail, 100% \u2013 sorry",
			Details: []*anypb.Any{{
				TypeUrl: "type.googleapis.com/selvage.test.v1.EchoRequest",
				Value:   value,
			}},
		}).Err()
	}
	if strings.HasPrefix(text, "hang") {
		s.lock.Lock()
		released := s.released
		s.lock.Unlock()
		program.Tell("hanging", program.Object{"text": text})
		select {
		case <-released:
		case <-stream.Context().Done():
			program.Tell("stopped", nil)
			return status.FromContextError(stream.Context().Err()).Err()
		}
	}
	return nil
}

// receive reads one request; nothing where the caller has ended.
func (s *server) receive(stream grpc.ServerStream) (*dynamicpb.Message, error) {
	request := s.echo.NewRequest()
	err := stream.RecvMsg(request)
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	return request, err
}

func (s *server) unary(_ any, stream grpc.ServerStream) error {
	request, err := s.receive(stream)
	if err != nil || request == nil {
		return err
	}
	annotate(stream)
	if err := s.obey(stream, program.Text(request)); err != nil {
		return err
	}
	return stream.SendMsg(s.echo.Response(program.Text(request), program.Data(request), 0))
}

func (s *server) repeat(_ any, stream grpc.ServerStream) error {
	request, err := s.receive(stream)
	if err != nil || request == nil {
		return err
	}
	annotate(stream)
	for index := range program.Number(request, "count") {
		response := s.echo.Response(program.Text(request), program.Data(request), index)
		if err := stream.SendMsg(response); err != nil {
			return err
		}
	}
	return s.obey(stream, program.Text(request))
}

func (s *server) collect(_ any, stream grpc.ServerStream) error {
	annotate(stream)
	texts := []string{}
	for {
		request, err := s.receive(stream)
		if err != nil {
			return err
		}
		if request != nil {
			texts = append(texts, program.Text(request))
		}
		if request == nil || program.Text(request) == "enough" {
			return stream.SendMsg(s.echo.Response(strings.Join(texts, " "), nil, 0))
		}
	}
}

func (s *server) converse(_ any, stream grpc.ServerStream) error {
	annotate(stream)
	for index := 0; ; index++ {
		request, err := s.receive(stream)
		if err != nil || request == nil {
			return err
		}
		response := s.echo.Response(program.Text(request), program.Data(request), index)
		if err := stream.SendMsg(response); err != nil {
			return err
		}
	}
}
