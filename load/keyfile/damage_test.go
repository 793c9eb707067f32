package keyfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// sample is a file of two groups.
func sample(t testing.TB) []byte {
	t.Helper()
	var b Builder
	keys, err := b.Filter([]uint64{1, 2, 3, 3})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := write(&out, []Group{
		{Rows: 4, First: Place{Day: 1, Key: "a"}, Last: Place{Day: 2, Key: "bc"}, Keys: keys, Parents: &Filter{}},
		{Rows: 4, First: Place{Day: 3, Key: "d"}, Last: Place{Day: 4}, Keys: keys},
	}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// A file of which a bit has turned, or which ends early or late, is an error.
func TestDamageIsFound(t *testing.T) {
	whole := sample(t)
	path := filepath.Join(t.TempDir(), "data.keys")
	refused := func(data []byte, what string, at int) {
		t.Helper()
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(path); err == nil {
			t.Errorf("%s at %d is not found", what, at)
		}
	}
	for i := range whole {
		refused(whole[:i], "the end", i)
		for bit := range 8 {
			damaged := bytes.Clone(whole)
			damaged[i] ^= 1 << bit
			refused(damaged, "a turned bit", i)
		}
	}
	refused(append(whole, 0), "a byte too many", len(whole))
	if _, err := Read(filepath.Join(t.TempDir(), "data.keys")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is missing is %v", err)
	}
}

// FuzzDecode: whatever stands in a file with a right checksum, it is an error or
// groups that can be asked, of which the same bytes become.
func FuzzDecode(f *testing.F) {
	whole := sample(f)
	f.Add(whole[:len(whole)-4], uint64(7))
	f.Add(append([]byte(magic), 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff), uint64(0))
	f.Fuzz(func(t *testing.T, body []byte, hash uint64) {
		data := binary.LittleEndian.AppendUint32(bytes.Clone(body), crc32.Checksum(body, castagnoli))
		groups, err := decode(data)
		if err != nil {
			return
		}
		for _, g := range groups {
			g.Keys.Has(hash)
			if g.Parents != nil {
				g.Parents.Has(hash)
			}
		}
		var again bytes.Buffer
		if _, err := write(&again, groups); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(again.Bytes(), data) {
			t.Errorf("%x became %x", data, again.Bytes())
		}
	})
}
