package main

import (
	"bytes"
	"context"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"nightjar/extract/sandbox"
)

// A program killed at any instant leaves the live generation whole, and the next
// run brings the warehouse to where it would have been.
func TestKilledAtAnyInstant(t *testing.T) {
	if testing.Short() {
		t.Skip("kills some twenty runs")
	}
	t.Parallel()
	const kills = 16
	now := time.Now()
	frozen := &clock{at: now.Add(-48 * time.Hour)}
	// The same vendors each time, save for their memory of who has signed in.
	vendors := func() map[string]string {
		_, env := simulate(t, sandbox.Options{Seed: 7, Clock: frozen.now, End: now}, nil)
		return env
	}

	yesterday := newProgram(t)
	yesterday.env = vendors()
	yesterday.must(exitOK, "run", "-q")

	frozen.set(now)
	reference := newProgram(t)
	reference.env = vendors()
	first := reference.must(exitOK, "run", "-q").took
	again := newProgram(t)
	again.env = vendors()
	first = min(first, again.must(exitOK, "run", "-q").took)
	update := yesterday.copy(t)
	update.env = vendors()
	next := update.must(exitOK, "run", "-q").took
	sameTables(t, reference.path(), update.path())

	stages := map[string]int{}
	crash := func(p *program, when string, kill func(*program)) {
		p.env = vendors()
		stages[p.crash(t, kill)]++
		sameTables(t, reference.path(), p.path())
		if t.Failed() {
			t.Fatalf("killed %s", when)
		}
		p.tidy()
	}

	// The instants are spread evenly over the run, and random in between.
	random := rand.New(rand.NewPCG(2026, 7))
	for i := range kills {
		p, whole := newProgram(t), first
		if i%2 == 1 {
			p, whole = yesterday.copy(t), next
		}
		at := time.Duration((float64(i) + random.Float64()) / kills * float64(whole))
		crash(p, "after "+at.String(), func(p *program) { p.killAfter(at) })
	}
	// The commit is too short to be hit by chance.
	for _, file := range []string{"analytics.duckdb", "parquet/marts/*/data.parquet", "manifest.json"} {
		crash(yesterday.copy(t), "at "+file, func(p *program) { p.killAt("generations/.building-*/" + file) })
	}
	crash(yesterday.copy(t), "before the last rename", func(p *program) { p.killAt("generations/000002") })
	t.Logf("an undisturbed first run takes %s, a second one %s; killed in: %v", first.Round(time.Millisecond), next.Round(time.Millisecond), stages)
}

// crash has a run killed and the next one succeed. It returns how far the first had got.
func (p *program) crash(t *testing.T, kill func(*program)) (stage string) {
	t.Helper()
	before := p.live()
	kill(p)
	stage = p.stage(before)
	if p.live() != "" {
		p.verified()
		query(t, openDatabase(t, p.path("current", "analytics.duckdb")), "SELECT count(*) FROM marts.csat_daily")
	}
	p.must(exitOK, "run", "-q")
	p.verified()
	return stage
}

// killAfter starts a run and kills it after a while, if it has not ended by then.
func (p *program) killAfter(d time.Duration) {
	p.t.Helper()
	p.killWhen(func(ctx context.Context) {
		select {
		case <-ctx.Done():
		case <-time.After(d):
		}
	})
}

// killAt starts a run and kills it as soon as a file of the warehouse is there.
func (p *program) killAt(glob string) {
	p.t.Helper()
	p.killWhen(func(ctx context.Context) {
		for ctx.Err() == nil {
			if found, err := filepath.Glob(p.path(glob)); err != nil || len(found) > 0 {
				return
			}
		}
	})
}

func (p *program) killWhen(wait func(ctx context.Context)) {
	p.t.Helper()
	cmd := p.command(p.t.Context(), "run", "-q")
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	ended, end := context.WithCancel(p.t.Context())
	go func() {
		_ = cmd.Wait() // killed, as a rule
		end()
	}()
	wait(ended)
	cmd.Process.Kill()
	<-ended.Done()
}

// stage tells from what is left how far a killed run had got.
func (p *program) stage(before string) string {
	p.t.Helper()
	if p.live() != before {
		return "committed"
	}
	aside, err := filepath.Glob(p.path("generations", ".building-*"))
	if err != nil {
		p.t.Fatal(err)
	}
	if len(aside) == 0 {
		return "start, or last rename"
	}
	left := map[string]bool{}
	err = filepath.WalkDir(aside[0], func(name string, _ fs.DirEntry, err error) error {
		left[filepath.Base(name)] = true
		return err
	})
	if err != nil {
		p.t.Fatal(err)
	}
	switch {
	case left["manifest.json"]:
		return "commit"
	case left["marts"]:
		return "marts"
	case left["analytics.duckdb"]:
		return "database"
	case left["data.parquet"]:
		return "merge"
	}
	return "walk"
}

// tidy frees the disk before the test ends.
func (p *program) tidy() {
	p.t.Helper()
	if err := os.RemoveAll(p.path()); err != nil {
		p.t.Fatal(err)
	}
}

// Stopped by its operator, a run keeps what has landed and says so.
func TestRunStoppedByTheOperator(t *testing.T) {
	_, env := simulate(t, sandbox.Options{Seed: 1}, nil)
	p := newProgram(t)
	p.env = env
	p.env["IADVIZE_RATE"] = "5/s" // so slow that it is stopped on the way
	for _, signal := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		r := p.stop(signal, p.lands, "run", "conversations")
		if r.code != exitInterrupted {
			t.Errorf("%v: exit code %d, want %d\n%s%s", signal, r.code, exitInterrupted, r.stdout, r.stderr)
		}
		if !strings.Contains(r.stdout+r.stderr, "what has landed is kept") {
			t.Errorf("%v: it says %q and %q", signal, r.stdout, r.stderr)
		}
		p.nothingBegun()
	}
	p.env["IADVIZE_RATE"] = "1000/s"
	if r := p.must(exitOK, "run", "conversations", "--json"); !strings.Contains(r.stdout, `"adopted_runs": 2`) {
		t.Errorf("the pages of the stopped runs were not taken over:\n%s", r.stdout)
	}
	p.verified()
}

// Stopping the daemon is no failure, whether it waits or runs.
func TestScheduleStoppedByTheOperator(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the next full minute")
	}
	t.Parallel()
	_, env := simulate(t, sandbox.Options{Seed: 1}, nil)
	p := newProgram(t)
	p.env = env
	waits := func(log string) bool { return strings.Contains(log, "msg=waiting") }
	if r := p.stop(syscall.SIGTERM, waits, "schedule"); r.code != exitOK {
		t.Errorf("while it waits: exit code %d\n%s", r.code, r.stderr)
	}
	p.nothingBegun()

	config, err := os.ReadFile(filepath.Join(p.dir, "pipelines.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	p.configure(strings.Replace(string(config), `"15 2 * * *"`, `"* * * * *"`, 1))
	p.env["IADVIZE_RATE"] = "5/s"
	if r := p.stop(syscall.SIGTERM, p.lands, "schedule"); r.code != exitOK {
		t.Errorf("while it runs: exit code %d\n%s", r.code, r.stderr)
	}
	p.nothingBegun()
}

// stop runs the program and sends it a signal as soon as its log says it is ready.
func (p *program) stop(signal os.Signal, ready func(log string) bool, args ...string) result {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 80*time.Second)
	defer cancel()
	var out bytes.Buffer
	log, err := os.Create(filepath.Join(p.t.TempDir(), "stderr"))
	if err != nil {
		p.t.Fatal(err)
	}
	defer log.Close()
	cmd := p.command(ctx, args...)
	cmd.Stdout, cmd.Stderr = &out, log
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	read := func() string {
		text, err := os.ReadFile(log.Name())
		if err != nil {
			p.t.Fatal(err)
		}
		return string(text)
	}
	for !ready(read()) && ctx.Err() == nil {
		time.Sleep(5 * time.Millisecond)
	}
	cmd.Process.Signal(signal)
	_ = cmd.Wait() // the exit code says all
	return result{code: cmd.ProcessState.ExitCode(), stdout: out.String(), stderr: read()}
}

// lands is ready as soon as a run has landed a page that was not there before.
func (p *program) lands(log string) bool {
	_, run, found := strings.Cut(log, "pipeline=conversations run=")
	if !found {
		return false
	}
	run, _, _ = strings.Cut(run, "\n")
	journals, err := filepath.Glob(p.path("landing", "iadvize", "*", run, "journal.jsonl"))
	if err != nil || len(journals) != 1 {
		return false
	}
	journal, err := os.ReadFile(journals[0])
	return err == nil && bytes.Contains(journal, []byte(`{"type":"page"`))
}

// nothingBegun expects that no generation is live and none is half built.
func (p *program) nothingBegun() {
	p.t.Helper()
	if p.live() != "" {
		p.t.Errorf("generation %s is live", p.live())
	}
	aside, err := filepath.Glob(p.path("generations", "*"))
	if err != nil || len(aside) > 0 {
		p.t.Errorf("it left %v: %v", aside, err)
	}
}
