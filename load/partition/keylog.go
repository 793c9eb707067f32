package partition

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"nightjar/load/keyfile"
)

const (
	// logLimit is how many entries of the log stay in memory, 16 bytes each.
	logLimit = 512 << 10
	// logFiles is into how many files the log is spread by hash, so that one at a
	// time can be read whole.
	logFiles = 64
	// maxFilter bounds a filter, in bits. Up to two million hashes it lets one in 16
	// others pass; more are looked at in vain beyond.
	maxFilter = 1 << 25
)

// hashLog notes entries by their hash. Its memory does not grow with them.
type hashLog[E hashed] struct {
	path    string         // of the spilled files, which add a number
	limit   int            // entries that stay in memory
	size    int            // bytes of a spilled entry
	read    func([]byte) E // the inverse of E.append
	entries []E
	count   int // entries, spilled ones included
	spilled bool
	room    []byte // what is written or read at a time
}

type hashed interface {
	hashed() uint64
	append(to []byte) []byte
}

func (l *hashLog[E]) put(e E) error {
	l.entries = append(l.entries, e)
	l.count++
	if len(l.entries) < l.limit {
		return nil
	}
	return l.spill()
}

// spill appends the entries to the files of their hashes.
func (l *hashLog[E]) spill() error {
	l.spilled = true
	var sizes [logFiles]int
	for _, e := range l.entries {
		sizes[e.hashed()%logFiles] += l.size
	}
	var parts [logFiles][]byte
	rest := l.space(len(l.entries) * l.size)
	for n, size := range sizes {
		parts[n], rest = rest[:0:size], rest[size:]
	}
	for _, e := range l.entries {
		n := e.hashed() % logFiles
		parts[n] = e.append(parts[n])
	}
	l.entries = l.entries[:0]
	for n, part := range parts {
		if len(part) == 0 {
			continue
		}
		if err := appendFile(l.file(n), part); err != nil {
			return fmt.Errorf("log keys: %w", err)
		}
	}
	return nil
}

// space is n bytes, good until it is asked for again.
func (l *hashLog[E]) space(n int) []byte {
	if cap(l.room) < n {
		l.room = make([]byte, n)
	}
	return l.room[:n]
}

func (l *hashLog[E]) file(n int) string { return fmt.Sprintf("%s%02d", l.path, n) }

func appendFile(name string, data []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return cmp.Or(err, f.Close())
}

// each visits the entries, all of one hash together.
func (l *hashLog[E]) each(visit func([]E)) error {
	if !l.spilled {
		visit(l.entries)
		return nil
	}
	if err := l.spill(); err != nil {
		return err
	}
	var entries []E
	for n := range logFiles {
		data, err := l.load(n)
		if errors.Is(err, fs.ErrNotExist) {
			continue // no entry had that hash
		}
		if err != nil {
			return fmt.Errorf("read the log of keys: %w", err)
		}
		entries = entries[:0]
		for ; len(data) >= l.size; data = data[l.size:] {
			entries = append(entries, l.read(data))
		}
		visit(entries)
	}
	return nil
}

// load reads a spilled file.
func (l *hashLog[E]) load(n int) ([]byte, error) {
	f, err := os.Open(l.file(n))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	data := l.space(int(info.Size()))
	_, err = io.ReadFull(f, data)
	return data, err
}

// remove removes the spilled files and lets go of the memory.
func (l *hashLog[E]) remove() {
	l.entries, l.room = nil, nil
	if l.spilled {
		for n := range logFiles {
			os.Remove(l.file(n))
		}
	}
}

// keyLog notes in which slot which key stands, by hash.
type keyLog struct {
	hashLog[entry]
}

// entry is the hash of a key and one slot that it stands in.
type entry struct {
	hash uint64
	slot slot
}

const entryBytes = 12

func (e entry) hashed() uint64 { return e.hash }

func (e entry) append(to []byte) []byte {
	return binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint64(to, e.hash), uint32(e.slot))
}

func readEntry(from []byte) entry {
	return entry{binary.LittleEndian.Uint64(from), slot(binary.LittleEndian.Uint32(from[8:]))}
}

func newKeyLog(path string) *keyLog {
	return &keyLog{hashLog[entry]{path: path, limit: logLimit, size: entryBytes, read: readEntry}}
}

// add notes the keys of an incoming batch.
func (k *keyLog) add(b *batch) error {
	for i, at := range b.slots {
		if err := k.put(entry{keyfile.Hash(b.keys.Value(i)), at}); err != nil {
			return err
		}
	}
	return nil
}

// several lists the hashes that stand in more than one slot.
func (k *keyLog) several() (map[uint64]struct{}, error) {
	several := map[uint64]struct{}{}
	err := k.each(func(entries []entry) { findSeveral(entries, several) })
	return several, err
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
		} else if table[at].slot != e.slot {
			several[e.hash] = struct{}{}
		}
	}
}

// filter tells for sure that a hash has not been set; its length is a power of two.
type filter []uint64

// newFilter has room for n hashes.
func newFilter(n int) filter {
	size := 1 << 10
	for size < 16*n && size < maxFilter {
		size *= 2
	}
	return make(filter, size/64)
}

func (f filter) set(hash uint64) {
	f[hash>>6&uint64(len(f)-1)] |= 1 << (hash >> 40 % 64)
}

func (f filter) has(hash uint64) bool {
	return f[hash>>6&uint64(len(f)-1)]&(1<<(hash>>40%64)) != 0
}
