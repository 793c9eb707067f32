package lock_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"nightjar/load/lock"
)

const holderEnv = "LOCK_TEST_HOLD"

// TestMain lets the test binary stand in for a second program that takes the
// lock, says so, and holds it until its stdin ends or it is killed.
func TestMain(m *testing.M) {
	path := os.Getenv(holderEnv)
	if path == "" {
		os.Exit(m.Run())
	}
	if _, err := acquire(path); err != nil {
		println(err.Error())
		os.Exit(1)
	}
	os.Stdout.WriteString("held\n")
	io.Copy(io.Discard, os.Stdin)
}

// acquire takes the lock without waiting.
func acquire(path string) (func() error, error) {
	return lock.Acquire(context.Background(), path, 0, nil)
}

// hold starts a second process that holds the lock.
func hold(t *testing.T, path string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), holderEnv+"="+path)
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	if line, _ := bufio.NewReader(out).ReadString('\n'); line != "held\n" {
		t.Fatalf("the second process said %q", line)
	}
	return cmd
}

func TestHeldByAnotherProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "warehouse", "lock")
	second := hold(t, path)

	_, err := acquire(path)
	var held *lock.HeldError
	if !errors.As(err, &held) {
		t.Fatalf("got %v, want a HeldError", err)
	}
	if held.Holder.PID != second.Process.Pid || held.Holder.Host == "" || held.Holder.Started.IsZero() {
		t.Errorf("the holder is %+v, want pid %d", held.Holder, second.Process.Pid)
	}
	if !strings.Contains(err.Error(), "the warehouse is in use by pid ") {
		t.Errorf("message: %v", err)
	}

	// A killed holder leaves its text behind, and no lock.
	second.Process.Kill()
	second.Wait()
	release, err := acquire(path)
	if err != nil {
		t.Fatalf("after the holder was killed: %v", err)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
}

func TestHeldByThisProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	release, err := acquire(path)
	if err != nil {
		t.Fatal(err)
	}
	var held *lock.HeldError
	if _, err := acquire(path); !errors.As(err, &held) || held.Holder.PID != os.Getpid() {
		t.Fatalf("a second time: got %v, want a HeldError with our pid", err)
	}
	for range 2 {
		if err := release(); err != nil {
			t.Fatalf("release: %v", err)
		}
	}
	again, err := acquire(path)
	if err != nil {
		t.Fatalf("after release: %v", err)
	}
	// A release that was used up does not free what came after it.
	if err := release(); err != nil {
		t.Fatal(err)
	}
	if _, err := acquire(path); !errors.As(err, &held) {
		t.Fatalf("an old release freed the lock: %v", err)
	}
	if err := again(); err != nil {
		t.Fatal(err)
	}
}

func TestFileThatNobodyHolds(t *testing.T) {
	for _, text := range []string{
		"", // empty
		"{\"pid\":1,\"host\":\"elsewhere\",\"started\":\"2026-11-20T02:15:00Z\"}\n",
		"no JSON",
	} {
		path := filepath.Join(t.TempDir(), "lock")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		release, err := acquire(path)
		if err != nil {
			t.Fatalf("with %q in the file: %v", text, err)
		}
		if err := release(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestUnwritablePlace(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := acquire(filepath.Join(file, "lock"))
	var held *lock.HeldError
	if err == nil || errors.As(err, &held) {
		t.Fatalf("got %v, want an error that is no HeldError", err)
	}
}

// A link in the place of the lock is not followed: what it points to is kept.
func TestALockThatIsALinkIsRefused(t *testing.T) {
	dir := t.TempDir()
	path, other := filepath.Join(dir, "lock"), filepath.Join(dir, "precious")
	if err := errors.Join(os.WriteFile(other, []byte("precious"), 0o600), os.Symlink(other, path)); err != nil {
		t.Fatal(err)
	}
	if _, err := acquire(path); err == nil || !strings.Contains(err.Error(), "symbolic link") {
		t.Errorf("got %v, want an error that names the link", err)
	}
	if text, err := os.ReadFile(other); err != nil || string(text) != "precious" {
		t.Errorf("the file behind it holds %q (%v)", text, err)
	}
}
