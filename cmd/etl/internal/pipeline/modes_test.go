package pipeline_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/extract/sandbox"
)

// Whatever the umask, nobody but the owner reads what lands or is published, unless
// the operator names a group: then it reads what is published, and no more.
func TestNobodyElseReads(t *testing.T) {
	for _, umask := range []int{0, 0o022, 0o077} {
		for _, shared := range []bool{false, true} {
			old := syscall.Umask(umask)
			v := open(t, noon, sandbox.Options{Scale: 0.02})
			v.config.Warehouse = filepath.Join(t.TempDir(), "new", "warehouse")
			if shared {
				v.config.Readers.Group = strconv.Itoa(os.Getgid())
			}
			v.run(pipeline.Request{Pipelines: []string{"calls"}})
			v.pass(aDay)
			v.run(pipeline.Request{Pipelines: []string{"calls"}})
			v.verify()
			syscall.Umask(old)
			v.expectModes(shared)
		}
	}
}

// expectModes looks at everything in the warehouse, its folder included.
func (v *vendors) expectModes(shared bool) {
	v.t.Helper()
	seen := 0
	err := filepath.WalkDir(v.config.Warehouse, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.Type()&fs.ModeSymlink != 0 {
			return err
		}
		seen++
		info, err := e.Info()
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(v.config.Warehouse, name)
		published := rel == "." || strings.HasPrefix(rel, "generations")
		want := map[bool]fs.FileMode{true: 0o700, false: 0o600}[e.IsDir()]
		switch {
		case published && e.IsDir() && shared:
			want = 0o750
		case published && shared:
			want = 0o440
		case published && !e.IsDir():
			want = 0o400
		}
		if info.Mode().Perm() != want {
			v.t.Errorf("%s has mode %o, want %o", rel, info.Mode().Perm(), want)
		}
		return nil
	})
	if err != nil || seen < 20 {
		v.t.Errorf("%d files and folders were looked at (%v)", seen, err)
	}
}

func TestReadersOfNoGroup(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.02})
	v.config.Readers.Group = "no-such-group"
	_, err := v.runner(v.config).Run(t.Context(), pipeline.Request{})
	if err == nil || !strings.Contains(err.Error(), "no-such-group") || !strings.Contains(err.Error(), "readers.group") {
		t.Errorf("got %v, want an error that names the key and the group", err)
	}
	if n := len(v.requests()); n > 0 {
		t.Errorf("%d requests before it", n)
	}
}
