// A client on grpc-go.
package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"

	"selvage.test/foreign/program"
)

const service = "/selvage.test.v1.EchoService/"

type client struct {
	connection *grpc.ClientConn
	echo       program.Echo
	lock       sync.Mutex
	hanging    map[*context.CancelFunc]struct{}
	held       []grpc.ClientStream
	stopped    atomic.Bool
}

func main() {
	config := program.ReadConfig()
	secret := config.TLS()
	connection, err := grpc.NewClient(
		fmt.Sprintf("127.0.0.1:%d", config.Port),
		grpc.WithTransportCredentials(credentials.NewTLS(secret)),
		grpc.WithDefaultCallOptions(
			grpc.MaxCallRecvMsgSize(1<<30),
			grpc.MaxCallSendMsgSize(1<<30),
		),
	)
	program.Must(err)
	c := &client{
		connection: connection,
		echo:       config.Echo(),
		hanging:    map[*context.CancelFunc]struct{}{},
	}
	program.Serve(map[string]func(program.Question) any{
		"health":   c.health,
		"echo":     c.unary,
		"repeat":   c.repeat,
		"collect":  c.collect,
		"converse": c.converse,
		"abort":    c.abort,
		"hold":     c.hold,
		"finish":   c.finish,
		"load":     c.load,
		"stop":     func(program.Question) any { c.stopped.Store(true); return nil },
	})
}

// call is one call's context, headers and trailers.
type call struct {
	context.Context
	seen    program.Object
	header  metadata.MD
	trailer metadata.MD
}

// outcome makes a call; tells what came, the headers and trailers, and how it failed where it did.
func (c *client) outcome(question program.Question, make func(*call) error) any {
	ctx, cancel := context.WithCancel(context.Background())
	if question.TimeoutMs > 0 {
		ctx, cancel = context.WithTimeout(ctx, time.Duration(question.TimeoutMs)*time.Millisecond)
	}
	if question.Say != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "x-say", question.Say)
	}
	c.lock.Lock()
	c.hanging[&cancel] = struct{}{}
	c.lock.Unlock()
	defer func() {
		c.lock.Lock()
		delete(c.hanging, &cancel)
		c.lock.Unlock()
		cancel()
	}()
	made := &call{Context: ctx, seen: program.Object{}}
	err := make(made)
	if said := made.header.Get("x-said"); len(said) > 0 {
		made.seen["said"] = said[0]
	}
	if said := made.trailer.Get("x-said-last"); len(said) > 0 {
		made.seen["saidLast"] = said[0]
	}
	if err != nil {
		made.seen["failure"] = c.failure(err, made.trailer)
	}
	return made.seen
}

func (c *client) failure(err error, trailer metadata.MD) program.Object {
	failed := status.Convert(err)
	details := []program.Object{}
	for _, detail := range failed.Proto().GetDetails() {
		message := c.echo.NewRequest()
		program.Must(proto.Unmarshal(detail.GetValue(), message))
		details = append(details, program.Object{
			"text":  program.Text(message),
			"count": program.Number(message, "count"),
		})
	}
	told := program.Object{"code": failed.Code(), "message": failed.Message(), "details": details}
	if values := trailer.Get("x-failure"); len(values) > 0 {
		told["failure"] = values[0]
	}
	if values := trailer.Get("x-failure-bin"); len(values) > 0 {
		told["failureBin"] = base64.StdEncoding.EncodeToString([]byte(values[0]))
	}
	return told
}

func (c *client) health(question program.Question) any {
	return c.outcome(question, func(made *call) error {
		answer, err := grpc_health_v1.NewHealthClient(c.connection).
			Check(made, &grpc_health_v1.HealthCheckRequest{})
		made.seen["status"] = answer.GetStatus()
		return err
	})
}

func (c *client) unary(question program.Question) any {
	return c.outcome(question, func(made *call) error {
		data := program.Pattern(question.Bytes)
		response := c.echo.NewResponse()
		err := c.connection.Invoke(made, service+"Echo", c.echo.Request(question.Text, data, 0),
			response, grpc.Header(&made.header), grpc.Trailer(&made.trailer))
		if err == nil {
			made.seen["text"] = program.Text(response)
			made.seen["same"] = bytes.Equal(program.Data(response), data)
		}
		return err
	})
}

func (c *client) stream(ctx context.Context, method string) (grpc.ClientStream, error) {
	both := &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}
	return c.connection.NewStream(ctx, both, service+method)
}

// receive reads one response; nothing where the stream has ended.
func (c *client) receive(stream grpc.ClientStream) (*dynamicpb.Message, error) {
	response := c.echo.NewResponse()
	err := stream.RecvMsg(response)
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	return response, err
}

// finished keeps what a stream has said of itself.
func (made *call) finished(stream grpc.ClientStream) {
	made.header, _ = stream.Header()
	made.trailer = stream.Trailer()
}

func (c *client) repeat(question program.Question) any {
	return c.outcome(question, func(made *call) error {
		data := program.Pattern(question.Bytes)
		items := 0
		made.seen["items"] = items
		stream, err := c.stream(made, "Repeat")
		if err != nil {
			return err
		}
		defer made.finished(stream)
		if err := stream.SendMsg(c.echo.Request(question.Text, data, question.Count)); err != nil {
			return err
		}
		program.Must(stream.CloseSend())
		for {
			response, err := c.receive(stream)
			if response == nil || err != nil {
				return err
			}
			if program.Number(response, "index") == items && bytes.Equal(program.Data(response), data) {
				items++
			}
			made.seen["items"] = items
		}
	})
}

func (c *client) collect(question program.Question) any {
	return c.outcome(question, func(made *call) error {
		stream, err := c.stream(made, "Collect")
		if err != nil {
			return err
		}
		defer made.finished(stream)
		for _, text := range question.Texts {
			// A server that has heard enough ends the stream; how, is for receive to say.
			if err := stream.SendMsg(c.echo.Request(text, nil, 0)); err != nil {
				break
			}
		}
		program.Must(stream.CloseSend())
		response, err := c.receive(stream)
		if response != nil && err == nil {
			made.seen["text"] = program.Text(response)
		}
		return err
	})
}

func (c *client) converse(question program.Question) any {
	return c.outcome(question, func(made *call) error {
		data := program.Pattern(question.Bytes)
		texts := []string{}
		same := true
		stream, err := c.stream(made, "Converse")
		if err != nil {
			return err
		}
		defer made.finished(stream)
		for _, text := range question.Texts {
			if err := stream.SendMsg(c.echo.Request(text, data, 0)); err != nil {
				return err
			}
			response, err := c.receive(stream)
			if response == nil || err != nil {
				return fmt.Errorf("the stream ended early: %w", err)
			}
			index := program.Number(response, "index")
			texts = append(texts, fmt.Sprintf("%d %s", index, program.Text(response)))
			same = same && bytes.Equal(program.Data(response), data)
		}
		program.Must(stream.CloseSend())
		_, err = c.receive(stream)
		made.seen["texts"] = texts
		made.seen["same"] = same
		return err
	})
}

func (c *client) abort(program.Question) any {
	c.lock.Lock()
	defer c.lock.Unlock()
	for cancel := range c.hanging {
		(*cancel)()
	}
	return nil
}

func (c *client) hold(question program.Question) any {
	answered := 0
	for n := range question.Count {
		stream, err := c.stream(context.Background(), "Converse")
		program.Must(err)
		program.Must(stream.SendMsg(c.echo.Request(fmt.Sprintf("first %d", n), nil, 0)))
		c.held = append(c.held, stream)
	}
	for n, stream := range c.held {
		response, err := c.receive(stream)
		program.Must(err)
		if program.Text(response) == fmt.Sprintf("first %d", n) {
			answered++
		}
	}
	return answered
}

func (c *client) finish(program.Question) any {
	finished := 0
	for n, stream := range c.held {
		text := fmt.Sprintf("second %d", n)
		if stream.SendMsg(c.echo.Request(text, nil, 0)) != nil || stream.CloseSend() != nil {
			continue
		}
		response, err := c.receive(stream)
		if err != nil || response == nil || program.Text(response) != text {
			continue
		}
		if end, err := c.receive(stream); end == nil && err == nil {
			finished++
		}
	}
	c.held = nil
	return finished
}

func (c *client) load(question program.Question) any {
	var calls atomic.Int64
	failures := []string{}
	var group sync.WaitGroup
	c.stopped.Store(false)
	for range question.Callers {
		group.Go(func() {
			for !c.stopped.Load() {
				text := fmt.Sprint(calls.Add(1))
				response := c.echo.NewResponse()
				err := c.connection.Invoke(context.Background(), service+"Echo",
					c.echo.Request(text, nil, 0), response)
				if status.Code(err) != codes.OK || program.Text(response) != text {
					c.lock.Lock()
					failures = append(failures, fmt.Sprintf("%v %s", err, program.Text(response)))
					c.lock.Unlock()
				}
			}
		})
	}
	group.Wait()
	return program.Object{"calls": calls.Load(), "failures": failures}
}
