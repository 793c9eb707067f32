package partition

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"os"
)

const (
	// logLimit is how many entries of the log stay in memory, 16 bytes each.
	logLimit = 512 << 10
	// logFiles is into how many files the log is spread by hash, so that one at a
	// time can be read whole.
	logFiles = 64
	// maxFilter bounds the filter of the keys that came, in bits. Up to two million
	// keys it lets one in 16 others pass; more are looked at in vain beyond.
	maxFilter = 1 << 25
)

// keyLog notes in which partition which key stands, by hash. Its memory does not
// grow with the rows.
type keyLog struct {
	path    string // of the spilled files, which add a number
	limit   int    // entries that stay in memory
	seed    maphash.Seed
	entries []entry
	count   int // entries, spilled ones included
	spilled bool
}

// entry is the hash of a key and one partition that it stands in.
type entry struct {
	hash uint64
	part Partition
}

const entryBytes = 12

func newKeyLog(path string) *keyLog {
	return &keyLog{path: path, limit: logLimit, seed: maphash.MakeSeed()}
}

func (k *keyLog) hash(key string) uint64 { return maphash.String(k.seed, key) }

// add notes the keys of an incoming batch.
func (k *keyLog) add(b *batch) error {
	for i, p := range b.parts {
		if err := k.put(k.hash(b.keys.Value(i)), p); err != nil {
			return err
		}
	}
	return nil
}

func (k *keyLog) put(hash uint64, p Partition) error {
	k.entries = append(k.entries, entry{hash, p})
	k.count++
	if len(k.entries) < k.limit {
		return nil
	}
	return k.spill()
}

// spill appends the entries to the files of their hashes.
func (k *keyLog) spill() error {
	k.spilled = true
	var sizes [logFiles]int
	for _, e := range k.entries {
		sizes[e.hash%logFiles] += entryBytes
	}
	var parts [logFiles][]byte
	for n, size := range sizes {
		parts[n] = make([]byte, 0, size)
	}
	for _, e := range k.entries {
		n := e.hash % logFiles
		parts[n] = binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint64(parts[n], e.hash), uint32(e.part))
	}
	k.entries = k.entries[:0]
	for n, part := range parts {
		if len(part) == 0 {
			continue
		}
		if err := appendFile(k.file(n), part); err != nil {
			return fmt.Errorf("log keys: %w", err)
		}
	}
	return nil
}

func (k *keyLog) file(n int) string { return fmt.Sprintf("%s%02d", k.path, n) }

func appendFile(name string, data []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// several lists the hashes that stand in more than one partition.
func (k *keyLog) several() (map[uint64]struct{}, error) {
	several := map[uint64]struct{}{}
	err := k.each(func(entries []entry) { findSeveral(entries, several) })
	return several, err
}

// filter is of the hashes in the log.
func (k *keyLog) filter() (filter, error) {
	size := 1 << 10
	for size < 16*k.count && size < maxFilter {
		size *= 2
	}
	f := make(filter, size/64)
	err := k.each(func(entries []entry) {
		for _, e := range entries {
			f.set(e.hash)
		}
	})
	return f, err
}

// each visits the entries, all of one hash together.
func (k *keyLog) each(visit func([]entry)) error {
	if !k.spilled {
		visit(k.entries)
		return nil
	}
	if err := k.spill(); err != nil {
		return err
	}
	var entries []entry
	for n := range logFiles {
		data, err := os.ReadFile(k.file(n))
		if errors.Is(err, fs.ErrNotExist) {
			continue // no key had that hash
		}
		if err != nil {
			return fmt.Errorf("read the log of keys: %w", err)
		}
		entries = entries[:0]
		for ; len(data) >= entryBytes; data = data[entryBytes:] {
			entries = append(entries, entry{binary.LittleEndian.Uint64(data), Partition(binary.LittleEndian.Uint32(data[8:]))})
		}
		visit(entries)
	}
	return nil
}

// findSeveral goes through the entries with a table of open addressing.
func findSeveral(entries []entry, several map[uint64]struct{}) {
	size := 1
	for size < 2*len(entries) {
		size *= 2
	}
	table, taken := make([]entry, size), make([]bool, size)
	for _, e := range entries {
		at := int(e.hash>>16) & (size - 1)
		for taken[at] && table[at].hash != e.hash {
			at = (at + 1) & (size - 1)
		}
		if !taken[at] {
			table[at], taken[at] = e, true
		} else if table[at].part != e.part {
			several[e.hash] = struct{}{}
		}
	}
}

// remove removes the spilled files.
func (k *keyLog) remove() {
	if k.spilled {
		for n := range logFiles {
			os.Remove(k.file(n))
		}
	}
}

// filter tells for sure that a hash has not been set; its length is a power of two.
type filter []uint64

func (f filter) set(hash uint64) {
	f[hash>>6&uint64(len(f)-1)] |= 1 << (hash >> 40 % 64)
}

func (f filter) has(hash uint64) bool {
	return f[hash>>6&uint64(len(f)-1)]&(1<<(hash>>40%64)) != 0
}
