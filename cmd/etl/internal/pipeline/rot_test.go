package pipeline_test

import (
	"os"
	"strings"
	"testing"

	"nightjar/cmd/etl/internal/operate"
	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/extract/sandbox"
)

// flipIn flips one byte of a file and leaves its size and time as they are, as a disk
// does.
func flipIn(t *testing.T, path string, at int64) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, 1)
	if _, err := f.ReadAt(b, at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 0x40
	if _, err := f.WriteAt(b, at); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
}

// A database that rots on its disk is told of by verify. The night after either meets
// the damage, and builds the file anew, or hands it on to be found again; it publishes
// no other rows than the vendors have. Without the file, the next night builds it.
func TestDatabaseThatRots(t *testing.T) {
	t.Parallel()
	const header, block = 3 * 4096, 256 << 10
	healed := 0
	for n := range int64(4) {
		v := open(t, noon, sandbox.Options{Scale: 0.05})
		v.run(pipeline.Request{})
		path := v.live().Database()
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		flipIn(t, path, header+n*(info.Size()/4/block)*block+block/2)
		rotten := v.problems()
		if !v.live().DatabaseUntouched() {
			t.Fatal("the file tells of it: this proves nothing")
		}
		v.pass(aDay)
		run := v.run(pipeline.Request{})
		if left := v.problems(); len(left) > 0 {
			if len(rotten) == 0 || !strings.Contains(strings.Join(left, " "), "checksum") {
				t.Errorf("byte flipped in quarter %d: verify says %q before the night and %q after it", n, rotten, left)
			}
			if err := os.Remove(v.live().Database()); err != nil {
				t.Fatal(err)
			}
			v.pass(aDay)
			run = v.run(pipeline.Request{})
		} else if len(rotten) > 0 {
			healed++
		}
		if len(rotten) > 0 && len(run.Damage) == 0 {
			t.Errorf("byte flipped in quarter %d: the run is silent about it", n)
		}
		v.expectTruth()
		v.expectMarts()
		v.verify()
	}
	if healed == 0 {
		t.Error("no night has met the damage: this proves little")
	}
}

// problems are what verify has to say.
func (v *vendors) problems() []string {
	v.t.Helper()
	checked, err := operate.Verify(v.t.Context(), v.runner(v.config).Site)
	if err != nil {
		v.t.Fatal(err)
	}
	return checked.Problems
}
