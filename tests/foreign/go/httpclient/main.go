// A client on net/http: Connect and gRPC are written by hand.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"selvage.test/foreign/program"
)

const service = "selvage.test.v1.EchoService/"

type client struct {
	http    http.Client
	origin  string
	echo    program.Echo
	cancel  context.CancelFunc
	held    []*conversation
	stopped atomic.Bool
}

func main() {
	config := program.ReadConfig()
	c := &client{
		http: http.Client{
			Transport: &http.Transport{TLSClientConfig: config.TLS(), ForceAttemptHTTP2: true},
		},
		origin: fmt.Sprintf("https://127.0.0.1:%d/", config.Port),
		echo:   config.Echo(),
	}
	program.Serve(map[string]func(program.Question) any{
		"unary":  c.unary,
		"grpc":   c.grpc,
		"large":  c.large,
		"hang":   c.hang,
		"cancel": func(program.Question) any { c.cancel(); return nil },
		"group":  c.group,
		"hold":   c.hold,
		"finish": c.finish,
		"load":   c.load,
		"stop":   func(program.Question) any { c.stopped.Store(true); return nil },
	})
}

func (c *client) post(
	ctx context.Context, method, kind, say string, body io.Reader,
) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, "POST", c.origin+service+method, body)
	program.Must(err)
	request.Header.Set("Content-Type", kind)
	if kind == "application/grpc" {
		request.Header.Set("Te", "trailers")
	}
	if say != "" {
		request.Header.Set("X-Say", say)
	}
	return c.http.Do(request)
}

func encoded(text string) []byte {
	bytes, err := json.Marshal(program.Object{"text": text})
	program.Must(err)
	return bytes
}

func (c *client) unary(question program.Question) any {
	response, err := c.post(context.Background(), "Echo", "application/json", question.Say,
		bytes.NewReader(encoded(question.Text)))
	program.Must(err)
	defer response.Body.Close()
	var body any
	program.Must(json.NewDecoder(response.Body).Decode(&body))
	return program.Object{
		"protocol": response.Proto,
		"status":   response.StatusCode,
		"said":     response.Header.Get("X-Said"),
		"saidLast": response.Header.Get("Trailer-X-Said-Last"),
		"body":     body,
	}
}

func (c *client) group(program.Question) any {
	response, err := c.post(context.Background(), "Echo", "application/json", "",
		bytes.NewReader(encoded("group")))
	program.Must(err)
	defer response.Body.Close()
	return program.Group(response.TLS)
}

func (c *client) grpc(question program.Question) any {
	message, err := proto.Marshal(c.echo.Request(question.Text, nil, 0))
	program.Must(err)
	sent := program.Enveloped(0, message)
	response, err := c.post(context.Background(), "Echo", "application/grpc", question.Say,
		bytes.NewReader(sent))
	program.Must(err)
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	program.Must(err)
	return program.Object{
		"status":     response.StatusCode,
		"said":       response.Header.Get("X-Said"),
		"grpcStatus": response.Trailer.Get("Grpc-Status"),
		"saidLast":   response.Trailer.Get("X-Said-Last"),
		"same":       bytes.Equal(got, sent),
	}
}

func (c *client) large(question program.Question) any {
	data := program.Pattern(question.Bytes)
	sent, err := proto.Marshal(c.echo.Request("large", data, 0))
	program.Must(err)
	response, err := c.post(context.Background(), "Echo", "application/proto", "",
		bytes.NewReader(sent))
	program.Must(err)
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	program.Must(err)
	answer := c.echo.NewResponse()
	program.Must(proto.Unmarshal(got, answer))
	return program.Text(answer) == "large" && bytes.Equal(program.Data(answer), data)
}

func (c *client) hang(program.Question) any {
	var ctx context.Context
	ctx, c.cancel = context.WithCancel(context.Background())
	response, err := c.post(ctx, "Echo", "application/json", "", bytes.NewReader(encoded("hang")))
	if err == nil {
		response.Body.Close()
	}
	return err != nil && ctx.Err() != nil
}

// conversation is a stream that is open both ways.
type conversation struct {
	requests  *io.PipeWriter
	responses io.ReadCloser
}

// say sends a text and tells whether it was answered with the same.
func (talk *conversation) say(text string) bool {
	if _, err := talk.requests.Write(program.Enveloped(0, encoded(text))); err != nil {
		return false
	}
	return talk.hear() == text
}

func (talk *conversation) hear() string {
	flags, message, err := program.ReadEnveloped(talk.responses)
	if err != nil || flags != 0 {
		return ""
	}
	var response struct{ Text string }
	program.Must(json.Unmarshal(message, &response))
	return response.Text
}

// end tells whether the stream ended as it should.
func (talk *conversation) end() bool {
	program.Must(talk.requests.Close())
	flags, message, err := program.ReadEnveloped(talk.responses)
	if err != nil || flags != 2 || string(message) != "{}" {
		return false
	}
	_, err = talk.responses.Read(make([]byte, 1))
	return err == io.EOF
}

func (c *client) hold(question program.Question) any {
	c.held = make([]*conversation, question.Count)
	var answered atomic.Int64
	var group sync.WaitGroup
	for n := range c.held {
		group.Go(func() {
			read, write := io.Pipe()
			talk := &conversation{requests: write}
			// The head of the response may come with the first answer only.
			first := encoded("first")
			go func() { _, _ = write.Write(program.Enveloped(0, first)) }()
			response, err := c.post(context.Background(), "Converse",
				"application/connect+json", "", read)
			program.Must(err)
			talk.responses = response.Body
			c.held[n] = talk
			if talk.hear() == "first" {
				answered.Add(1)
			}
		})
	}
	group.Wait()
	return answered.Load()
}

func (c *client) finish(program.Question) any {
	finished := 0
	for _, talk := range c.held {
		if talk.say("second") && talk.end() {
			finished++
		}
		talk.responses.Close()
	}
	c.held = nil
	return finished
}

func (c *client) load(question program.Question) any {
	var calls atomic.Int64
	var lock sync.Mutex
	failures := []string{}
	var group sync.WaitGroup
	c.stopped.Store(false)
	for range question.Callers {
		group.Go(func() {
			for !c.stopped.Load() {
				text := fmt.Sprint(calls.Add(1))
				if problem := c.attempt(text); problem != "" {
					lock.Lock()
					failures = append(failures, problem)
					lock.Unlock()
				}
			}
		})
	}
	group.Wait()
	return program.Object{"calls": calls.Load(), "failures": failures}
}

// attempt makes a call; tells what is wrong with it.
func (c *client) attempt(text string) string {
	response, err := c.post(context.Background(), "Echo", "application/json", "",
		bytes.NewReader(encoded(text)))
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	var body struct{ Text string }
	if err := json.NewDecoder(response.Body).Decode(&body); err != nil {
		return err.Error()
	}
	if body.Text != text {
		return "wrong answer " + body.Text
	}
	return ""
}
