// A server on net/http: Connect and gRPC are answered by hand.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"

	"selvage.test/foreign/program"
)

type server struct {
	config   program.Config
	lock     sync.Mutex
	released chan struct{}
	group    atomic.Value
}

func main() {
	s := &server{config: program.ReadConfig(), released: make(chan struct{})}
	served, port := s.serve("127.0.0.1:0")
	program.Tell("listening", program.Object{"port": port})
	program.Serve(map[string]func(program.Question) any{
		"release": func(program.Question) any {
			s.lock.Lock()
			defer s.lock.Unlock()
			close(s.released)
			s.released = make(chan struct{})
			return nil
		},
		"group": func(program.Question) any { return s.group.Load() },
		"leave": func(program.Question) any {
			leaving := served
			go func() { program.Must(leaving.Shutdown(context.Background())) }()
			served, _ = s.serve(fmt.Sprintf("127.0.0.1:%d", port))
			return nil
		},
	})
}

// serve begins to serve at an address, once whoever listened there has let go of it.
func (s *server) serve(address string) (*http.Server, int) {
	streams := 1_000
	if s.config.Streams > 0 {
		streams = int(s.config.Streams)
	}
	served := &http.Server{
		Handler:   http.HandlerFunc(s.answer),
		TLSConfig: s.config.TLS(),
		HTTP2:     &http.HTTP2Config{MaxConcurrentStreams: streams},
		ConnState: func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				program.Tell("session", nil)
			}
		},
	}
	for {
		listener, err := net.Listen("tcp", address)
		if errors.Is(err, syscall.EADDRINUSE) {
			runtime.Gosched()
			continue
		}
		program.Must(err)
		go func() {
			if err := served.ServeTLS(listener, "", ""); !errors.Is(err, http.ErrServerClosed) {
				program.Must(err)
			}
		}()
		return served, listener.Addr().(*net.TCPAddr).Port
	}
}

// answer gives every message back: the request and the response of Echo are the same bytes, and so
// are the items of Converse.
func (s *server) answer(response http.ResponseWriter, request *http.Request) {
	s.group.Store(program.Group(request.TLS))
	kind := request.Header.Get("Content-Type")
	response.Header().Set("Content-Type", kind)
	if said := request.Header.Get("X-Say"); said != "" {
		response.Header().Set("X-Said", said)
	}
	switch kind {
	case "application/proto":
		s.once(response, request)
	case "application/connect+proto":
		each(response, request.Body)
		_, _ = response.Write(program.Enveloped(2, []byte("{}")))
	case "application/grpc", "application/grpc+proto":
		each(response, request.Body)
		response.Header().Set(http.TrailerPrefix+"Grpc-Status", "0")
		response.Header().Set(http.TrailerPrefix+"X-Said-Last", request.Header.Get("X-Say"))
	default:
		response.WriteHeader(http.StatusUnsupportedMediaType)
	}
}

func (s *server) once(response http.ResponseWriter, request *http.Request) {
	message, err := io.ReadAll(request.Body)
	if err != nil {
		return
	}
	if bytes.Contains(message, []byte("hang")) {
		s.lock.Lock()
		released := s.released
		s.lock.Unlock()
		program.Tell("hanging", nil)
		select {
		case <-released:
		case <-request.Context().Done():
			program.Tell("stopped", nil)
			return
		}
	}
	_, _ = response.Write(message)
}

// each gives one message after the other back, as it comes.
func each(response http.ResponseWriter, requests io.Reader) {
	for {
		flags, message, err := program.ReadEnveloped(requests)
		if err != nil {
			return
		}
		_, _ = response.Write(program.Enveloped(flags, message))
		response.(http.Flusher).Flush()
	}
}
