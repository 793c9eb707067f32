package keyfile_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"nightjar/load/keyfile"
)

// sets are random hashes, some more than once.
func sets() *rapid.Generator[[]uint64] {
	return rapid.OneOf(rapid.SliceOf(rapid.Uint64Range(0, 50)), rapid.SliceOfN(rapid.Uint64(), 0, 2000))
}

// What is written is read back as it was, and written again it is the same bytes:
// also where a group is taken over from one file into another.
func TestWhatIsWrittenIsRead(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		var b keyfile.Builder
		var groups []keyfile.Group
		var keys, parents [][]uint64
		for range rapid.IntRange(0, 4).Draw(t, "groups") {
			place := rapid.Custom(func(t *rapid.T) keyfile.Place {
				return keyfile.Place{Day: rapid.Int32().Draw(t, "day"), Key: string(rapid.SliceOf(rapid.Byte()).Draw(t, "key"))}
			})
			g := keyfile.Group{Rows: rapid.Int64Min(0).Draw(t, "rows"), First: place.Draw(t, "first"), Last: place.Draw(t, "last")}
			keys, parents = append(keys, sets().Draw(t, "keys")), append(parents, nil)
			g.Keys = filter(t, &b, keys[len(keys)-1])
			if rapid.Bool().Draw(t, "nested") {
				parents[len(parents)-1] = sets().Draw(t, "parents")
				g.Parents = filter(t, &b, parents[len(parents)-1])
			}
			groups = append(groups, g)
		}
		path := filepath.Join(dir, "a")
		written, err := keyfile.Write(path, groups)
		if err != nil {
			t.Fatal(err)
		}
		got, err := keyfile.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != len(groups) {
			t.Fatalf("%d groups, want %d", len(got), len(groups))
		}
		for i, g := range groups {
			if got[i].Rows != g.Rows || got[i].First != g.First || got[i].Last != g.Last || (got[i].Parents == nil) != (g.Parents == nil) {
				t.Fatalf("group %d is %+v, want %+v", i, got[i], g)
			}
			has(t, got[i].Keys, keys[i])
			if g.Parents != nil {
				has(t, got[i].Parents, parents[i])
			}
		}
		again, err := keyfile.Write(filepath.Join(dir, "b"), got)
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Size() != written.Bytes || again.Bytes != written.Bytes || again.SHA256 != written.SHA256 {
			t.Fatalf("%+v was read and became %+v (%v)", written, again, err)
		}
	})
}

func filter(t *rapid.T, b *keyfile.Builder, hashes []uint64) *keyfile.Filter {
	given := slices.Clone(hashes)
	f, err := b.Filter(hashes)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(given, hashes) {
		t.Fatal("the caller's hashes have changed")
	}
	return f
}

func has(t *rapid.T, f *keyfile.Filter, hashes []uint64) {
	for _, h := range hashes {
		if !f.Has(h) {
			t.Fatalf("%x is not in the filter of %x", h, hashes)
		}
	}
	if len(hashes) == 0 && f.Has(0) {
		t.Fatal("something is in the filter of nothing")
	}
}

// A key that is not there is not found: of some ten million looks, none is wrong, where
// chance has 0.002.
func TestAFilterIsSeldomWrong(t *testing.T) {
	const keys, looks = 100_000, 10_000_000
	var b keyfile.Builder
	hashes := make([]uint64, keys)
	for i := range hashes {
		hashes[i] = keyfile.Hash(fmt.Appendf(nil, "key %d", i))
	}
	f, err := b.Filter(hashes)
	if err != nil {
		t.Fatal(err)
	}
	for i, h := range hashes {
		if !f.Has(h) {
			t.Fatalf("key %d is not found", i)
		}
	}
	name := []byte("strange ........")
	for i := range uint64(looks) {
		binary.LittleEndian.PutUint64(name[8:], i)
		if f.Has(keyfile.Hash(name)) {
			t.Fatalf("%q is found and is not there", name)
		}
	}
}

// The hash is one that other programs know: those of the files must not change.
func TestHashIsXXH3(t *testing.T) {
	for text, want := range map[string]uint64{"": 0x2d06800538d394c2, "a": 0xe6c632b61e964e1f, "abc": 0x78af5f94892f3950} {
		if got := keyfile.Hash(text); got != want || keyfile.Hash([]byte(text)) != want {
			t.Errorf("hash of %q is %x, want %x", text, got, want)
		}
	}
}

// The same keys make the same bytes, on every machine.
func TestBytesAreFixed(t *testing.T) {
	const want = "fd042f5eb331d796c3a5292f0abc374861b610a1a17cf9da6e477054647deaaa"
	var b keyfile.Builder
	hashes := make([]uint64, 10_000)
	for i := range hashes {
		hashes[i] = keyfile.Hash(fmt.Sprint(i))
	}
	keys, err := b.Filter(hashes)
	if err != nil {
		t.Fatal(err)
	}
	parents, err := b.Filter(hashes[:77])
	if err != nil {
		t.Fatal(err)
	}
	got, err := keyfile.Write(filepath.Join(t.TempDir(), "data.keys"), []keyfile.Group{
		{Rows: 10_000, First: keyfile.Place{Day: 20000, Key: "a\x00b"}, Last: keyfile.Place{Day: 20030, Key: "z"}, Keys: keys, Parents: parents},
		{Keys: &keyfile.Filter{}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got.SHA256 != want {
		t.Errorf("the file's hash is %s, want %s", got.SHA256, want)
	}
}

// Places are ordered by day, then by the bytes of the key.
func TestPlacesAreOrdered(t *testing.T) {
	ordered := []keyfile.Place{{Day: -1, Key: "z"}, {Day: 0, Key: ""}, {Day: 0, Key: "a"}, {Day: 0, Key: "a\x00"}, {Day: 0, Key: "\xff"}, {Day: 1, Key: ""}}
	for i, p := range ordered {
		for j, q := range ordered {
			if got, want := p.Compare(q), min(1, max(-1, i-j)); got != want {
				t.Errorf("%v to %v is %d, want %d", p, q, got, want)
			}
		}
	}
}

func randomHashes(n int) []uint64 {
	g, all := rand.New(rand.NewPCG(1, 1)), make([]uint64, n)
	for i := range all {
		all[i] = g.Uint64()
	}
	return all
}

// BenchmarkFilter makes the filter of a row group, and asks it.
func BenchmarkFilter(b *testing.B) {
	const keys = 128 << 10
	hashes := randomHashes(keys)
	b.Run("build", func(b *testing.B) {
		var builder keyfile.Builder
		for b.Loop() {
			if _, err := builder.Filter(hashes); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*keys), "ns/key")
	})
	b.Run("has", func(b *testing.B) {
		var builder keyfile.Builder
		f, err := builder.Filter(hashes)
		if err != nil {
			b.Fatal(err)
		}
		file, err := keyfile.Write(filepath.Join(b.TempDir(), "data.keys"), []keyfile.Group{{Keys: f}})
		if err != nil {
			b.Fatal(err)
		}
		found, i := 0, uint64(0)
		for b.Loop() {
			i++
			if f.Has(i * 0x9e3779b97f4a7c15) {
				found++
			}
		}
		if found > 1 {
			b.Fatalf("%d strangers are found", found)
		}
		b.ReportMetric(float64(file.Bytes)/keys, "bytes/key")
	})
}
