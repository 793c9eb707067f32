package main

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"nightjar/extract/sandbox"
)

// faulty is the program with a fault: it panics where the calls of Aircall are
// walked, on a goroutine that is not the main one.
func faulty() {
	a := &app{out: os.Stdout, err: os.Stderr, env: os.LookupEnv, net: walkers{}}
	os.Exit(a.execute(context.Background(), os.Args[1:]))
}

// walkers is a network that the goroutines which walk Aircall do not survive.
type walkers struct{}

func (walkers) RoundTrip(r *http.Request) (*http.Response, error) {
	var stack [64 << 10]byte
	if strings.HasPrefix(r.URL.Path, "/aircall/") && bytes.Contains(stack[:runtime.Stack(stack[:], false)], []byte("extract.report(")) {
		var nothing []int
		_ = nothing[len(r.URL.Path)]
	}
	return http.DefaultTransport.RoundTrip(r)
}

// A panic on any goroutine is a failure, exit code 1, and not the exit code of a
// wrong command line; the other pipelines of the run are published.
func TestAFaultInTheProgramIsNoUsageError(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	_, p.env = simulate(t, sandbox.Options{Seed: 1, Scale: 0.05}, nil)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := p.command(ctx, "run", "conversations", "calls")
	var err error
	if cmd.Path, err = exec.LookPath("etl-faulty"); err != nil {
		t.Fatal(err)
	}
	cmd.Args[0] = cmd.Path
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	if code := cmd.ProcessState.ExitCode(); code != exitFailed {
		t.Fatalf("exit code %d (%v), want %d\n%s%s", code, err, exitFailed, out.String(), errs.String())
	}
	const fault = "walk window sweep of calls: a fault in the program: runtime error: index out of range"
	if !strings.Contains(out.String(), fault) {
		t.Errorf("the summary does not say what failed:\n%s", out.String())
	}
	if n := strings.Count(errs.String(), "fault_test.go"); n != 1 || strings.Contains(out.String(), "goroutine") {
		t.Errorf("the stack stands %d times in the log, want once there and not in the summary:\n%s", n, errs.String())
	}
	p.verified()
	db := openDatabase(t, p.path("current", "analytics.duckdb"))
	if rows := query(t, db, "SELECT count(*) FROM iadvize.conversations HAVING count(*) > 0"); len(rows) == 0 {
		t.Error("the pipeline beside it is not published")
	}
}
