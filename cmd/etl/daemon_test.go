package main

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"nightjar/extract/sandbox"
)

// kept is `etl schedule` as a process of its own, with its log in a file.
type kept struct {
	p   *program
	cmd *exec.Cmd
	log string // path
}

func (p *program) schedule() *kept {
	p.t.Helper()
	log, err := os.CreateTemp(p.t.TempDir(), "log")
	if err != nil {
		p.t.Fatal(err)
	}
	defer log.Close()
	k := &kept{p: p, cmd: p.command(p.t.Context(), "schedule"), log: log.Name()}
	k.cmd.Stderr = log
	if err := k.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		_ = k.cmd.Process.Kill() // it may have ended
		_ = k.cmd.Wait()
	})
	return k
}

func (k *kept) text() string {
	text, err := os.ReadFile(k.log)
	if err != nil {
		k.p.t.Fatal(err)
	}
	return string(text)
}

// says waits until the log has so many lines with a text.
func (k *kept) says(times int, what string) {
	k.p.t.Helper()
	for start := time.Now(); strings.Count(k.text(), what) < times; time.Sleep(10 * time.Millisecond) {
		if time.Since(start) > 100*time.Second {
			k.p.t.Fatalf("the log does not say %q %d times:\n%s", what, times, k.text())
		}
	}
}

// end sends a signal, and returns the exit code and how long that took.
func (k *kept) end(signal syscall.Signal) (int, time.Duration) {
	k.p.t.Helper()
	start := time.Now()
	if err := k.cmd.Process.Signal(signal); err != nil {
		k.p.t.Fatal(err)
	}
	_ = k.cmd.Wait() // the exit code says all
	return k.cmd.ProcessState.ExitCode(), time.Since(start)
}

// everyMinute is a file whose pipelines are due at every minute, and run again at once.
var everyMinute = strings.NewReplacer(`"15 2 * * *"`, `"* * * * *"`, `"30 2 * * *"`, `"* * * * *"`, `"45 2 * * *"`, `"* * * * *"`, `"50 2 * * *"`, `"* * * * *"`).
	Replace(impatient) + "publish: { keep: 50, window: 20s }\nrerun: { delay: 2s, for: 1h }\n"

// The real daemon: a night that is killed is run again when it is back, a vendor that was
// away is asked again in the same night, and each night is published once.
func TestTheDaemonLosesNoNight(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the next full minute, twice")
	}
	t.Parallel()
	var away atomic.Bool // Aircall
	_, env := simulate(t, sandbox.Options{Seed: 1, Scale: 0.05}, func(good http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if away.Load() && strings.HasPrefix(r.URL.Path, "/aircall") {
				http.Error(w, "bad gateway", http.StatusBadGateway)
				return
			}
			good.ServeHTTP(w, r)
		})
	})
	p := newProgram(t)
	p.env = env
	p.configure(everyMinute)
	p.must(exitOK, "run") // so that the nights from here on are owed

	first := p.schedule()
	first.says(1, "msg=waiting")
	if r := p.etl("schedule"); r.code != exitFailed || !strings.Contains(r.stderr, "another `etl schedule` looks after") {
		t.Errorf("a second daemon: exit code %d\n%s", r.code, r.stderr)
	}
	first.says(1, `msg="pipeline starts"`)
	if code, _ := first.end(syscall.SIGKILL); code != -1 {
		t.Fatalf("the daemon ended by itself, with %d:\n%s", code, first.text())
	}

	away.Store(true)
	second := p.schedule()
	second.says(1, `msg="published generation 2"`) // what was killed, at once
	second.says(1, "msg=waiting")
	if code := p.etl("status", "--max-age", "1h").code; code != exitIncomplete {
		t.Errorf("status of a night that is owed: exit code %d", code)
	}
	away.Store(false)
	second.says(1, `msg="published generation 3"`) // the rerun

	second.reloads(t)
	if code, took := second.end(syscall.SIGTERM); code != exitOK || took > 10*time.Second {
		t.Errorf("stopped: exit code %d after %v", code, took)
	}
	p.verified()
	p.must(exitOK, "status", "--max-age", "1h")
}

// reloads tries a configuration that is wrong, and then one that is not.
func (k *kept) reloads(t *testing.T) {
	t.Helper()
	path := filepath.Join(k.p.dir, "pipelines.yaml")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	hangup := func(text string) {
		k.p.configure(text)
		if err := k.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	scheduled := strings.Count(k.text(), "msg=scheduled")
	hangup(string(good) + "nonsense: 1\n")
	k.says(1, "the old one stays")
	hangup(string(good))
	k.says(scheduled+4, "msg=scheduled")
}
