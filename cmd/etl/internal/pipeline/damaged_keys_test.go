package pipeline_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nightjar/cmd/etl/internal/operate"
	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/extract/sandbox"
)

// A file of keys that is lost, or was written to, is made anew of its Parquet
// file, whether the night merges that one or leaves it as it is, and verify tells of it.
func TestDamagedKeysAreMadeAnew(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.05})
	v.nights(aDay)
	files := v.files("iadvize.conversations")
	merged, kept := keysOf(files[len(files)-1]), keysOf(files[0])
	if merged == kept {
		t.Fatal("there is one partition")
	}
	flip(t, merged, false)
	if err := os.Remove(kept); err != nil {
		t.Fatal(err)
	}
	found, err := operate.Verify(t.Context(), v.runner(v.config).Site)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{merged, kept} {
		if !strings.Contains(strings.Join(found.Problems, "\n"), filepath.Join(filepath.Base(filepath.Dir(path)), filepath.Base(path))) {
			t.Errorf("verify does not tell of %s: %q", path, found.Problems)
		}
	}
	v.pass(aDay)
	run := v.run(pipeline.Request{})
	expectDamage(t, run, strings.TrimPrefix(kept, filepath.Join(v.config.Warehouse, "current")+"/"))
	v.expectTruth()
	v.verify()
}

// keysOf is where the keys of a partition's Parquet file are.
func keysOf(parquet string) string {
	return strings.Replace(filepath.Join(filepath.Dir(parquet), "data.keys"), "/current/parquet/", "/current/keys/", 1)
}
