package main

import (
	"context"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"nightjar/extract/sandbox"
)

// nobody is a user with no rights beyond its own files.
const nobody = 65534

// as prepares a call of the program by a user whom permissions stop: the test's
// own, or nobody where that is root.
func (p *program) as(ctx context.Context, binary string, args ...string) *exec.Cmd {
	p.t.Helper()
	cmd := p.command(ctx, args...)
	if os.Geteuid() != 0 {
		return cmd
	}
	cmd.Path, cmd.Err = binary, nil
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	if err := os.Chmod(filepath.Dir(p.dir), 0o755); err != nil { // of all temporary folders of the test
		p.t.Fatal(err)
	}
	err := filepath.WalkDir(p.dir, func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(name, nobody, nobody)
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return cmd
}

// openBinary is a copy of the program that every user may start.
func openBinary(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	from, err := os.Open(self)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	path := filepath.Join(t.TempDir(), "etl")
	to, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(to, from); err != nil {
		t.Fatal(err)
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// An old generation that the program's user may not remove is a warning that
// names it, night after night, and its name stays as it is.
func TestGenerationOfAnotherUser(t *testing.T) {
	_, env := simulate(t, sandbox.Options{Seed: 1, Scale: 0.02}, nil)
	p := newProgram(t)
	p.env = env
	p.configure(impatient + "publish: { keep: 1 }\n")
	binary := openBinary(t)
	for night := 1; night <= 4; night++ {
		var log strings.Builder
		cmd := p.as(t.Context(), binary, "run", "-q", "calls")
		cmd.Stderr = &log
		if err := cmd.Run(); err != nil {
			t.Fatalf("night %d: %v\n%s", night, err, log.String())
		}
		if warned := strings.Contains(log.String(), "level=WARN") && strings.Contains(log.String(), ".building-removed-000001") && strings.Contains(log.String(), "chown"); warned != (night > 1) {
			t.Errorf("night %d says %q", night, log.String())
		}
		if night == 1 { // from now on nobody but root may remove it
			fixed := p.path("generations", "000001", "parquet")
			if err := os.Chmod(fixed, 0o555); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.Chmod(p.path("generations", ".building-removed-000001", "parquet"), 0o755) })
		}
	}
	entries, err := os.ReadDir(p.path("generations"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if want := []string{".building-removed-000001", "000004"}; !slices.Equal(names, want) {
		t.Errorf("among the generations stand %v, want %v", names, want)
	}
	p.verified()
}
