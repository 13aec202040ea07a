// Package bench is what the drivers of Go peers share: certificates, the line protocol of driver.ts, and
// repetitions. A program is its own server: started with the argument "server" it prints its port.
package bench

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Figure is the answer to one task: nothing where the scenario is not known.
type Figure struct {
	Value *float64 `json:"value,omitempty"`
	CPUUs *float64 `json:"cpuUs,omitempty"`
}

// Done is how much was done, and the figure.
type Done struct {
	Count int
	Value float64
}

// Measure measures a scenario by its parts; it reports false where it does not know it.
type Measure func(parts []string, duration time.Duration) (Done, bool)

func file(name string) string { return os.Getenv("BENCH_FOLDER") + "/" + name }

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func pool() *x509.CertPool {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(must(os.ReadFile(file("ca.pem"))))
	return roots
}

// ServerTLS asks for a certificate of the client.
func ServerTLS() *tls.Config {
	own := must(tls.LoadX509KeyPair(file("worker.pem"), file("worker.key")))
	return &tls.Config{
		Certificates: []tls.Certificate{own},
		ClientCAs:    pool(),
		ClientAuth:   tls.RequireAndVerifyClientCert,
		MinVersion:   tls.VersionTLS13,
		NextProtos:   []string{"h2"},
	}
}

// ClientTLS shows one.
func ClientTLS() *tls.Config {
	own := must(tls.LoadX509KeyPair(file("caller.pem"), file("caller.key")))
	return &tls.Config{
		Certificates: []tls.Certificate{own},
		RootCAs:      pool(),
		ServerName:   "localhost",
		MinVersion:   tls.VersionTLS13,
	}
}

// Serve answers tasks on standard input until it ends. The server is started first; connect is given its port.
func Serve(connect func(port string) Measure) {
	server := exec.Command(os.Args[0], "server")
	server.Stderr = os.Stderr
	out := must(server.StdoutPipe())
	if err := server.Start(); err != nil {
		panic(err)
	}
	defer server.Process.Kill()
	port := strings.TrimSpace(must(bufio.NewReader(out).ReadString('\n')))
	measure := connect(port)
	tasks := json.NewDecoder(os.Stdin)
	for {
		var task struct {
			Scenario   string
			DurationMs float64
		}
		if err := tasks.Decode(&task); err == io.EOF {
			return
		} else if err != nil {
			panic(err)
		}
		before := processorUs(os.Getpid(), server.Process.Pid)
		done, known := measure(
			strings.Split(task.Scenario, "-"),
			time.Duration(task.DurationMs*float64(time.Millisecond)),
		)
		var figure Figure
		if known {
			us := (processorUs(os.Getpid(), server.Process.Pid) - before) / float64(max(done.Count, 1))
			figure = Figure{Value: &done.Value, CPUUs: &us}
		}
		fmt.Println(string(must(json.Marshal(figure))))
	}
}

// processorUs is what processor_time.ts reads: microseconds in steps of 10 ms.
func processorUs(pids ...int) float64 {
	ticks := 0
	for _, pid := range pids {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return 0
		}
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+2:]))
		ticks += must(strconv.Atoi(fields[11])) + must(strconv.Atoi(fields[12]))
	}
	return float64(ticks) * 10_000
}

// Calls is how many a second so many callers make; of one, the median time in milliseconds.
func Calls(callers string, duration time.Duration, once func()) (Done, bool) {
	if callers == "1" {
		taken := []float64{}
		for end := time.Now().Add(duration); time.Now().Before(end); {
			start := time.Now()
			once()
			taken = append(taken, time.Since(start).Seconds()*1e3)
		}
		slices.Sort(taken)
		return Done{len(taken), taken[len(taken)/2]}, true
	}
	return Rate(must(strconv.Atoi(callers)), duration, once), true
}

// Rate is how often something is done a second, so many at a time.
func Rate(atOnce int, duration time.Duration, once func()) Done {
	start := time.Now()
	count := Sum(atOnce, func() int {
		count := 0
		for ; time.Since(start) < duration; count++ {
			once()
		}
		return count
	})
	return Done{count, float64(count) / time.Since(start).Seconds()}
}

// Items is items a second of so many streams, or MB a second where they are large.
func Items(size, streams string, one func(bytes int) int) (Done, bool) {
	bytes := Bytes(size)
	start := time.Now()
	count := Sum(must(strconv.Atoi(streams)), func() int { return one(bytes) })
	rate := float64(count) / time.Since(start).Seconds()
	if bytes >= 1000 {
		rate *= float64(bytes) / 1e6
	}
	return Done{count, rate}, true
}

// Bytes is what "32", "64k" and "1m" stand for.
func Bytes(text string) int {
	factor := 1
	if rest, isKiB := strings.CutSuffix(text, "k"); isKiB {
		text, factor = rest, 1024
	} else if rest, isMiB := strings.CutSuffix(text, "m"); isMiB {
		text, factor = rest, 1024*1024
	}
	return must(strconv.Atoi(text)) * factor
}

// Sum runs the same in parallel and adds up the results.
func Sum(parallel int, one func() int) int {
	counts := make([]int, parallel)
	var all sync.WaitGroup
	for at := range parallel {
		all.Go(func() { counts[at] = one() })
	}
	all.Wait()
	total := 0
	for _, count := range counts {
		total += count
	}
	return total
}
