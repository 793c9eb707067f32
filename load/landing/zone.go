package landing

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/klauspost/compress/zstd"

	"nightjar/load/ref"
)

// Zone is a landing zone. It may be used by several goroutines; one process at a
// time may write to it.
type Zone struct {
	dir  string
	disk disk
	dec  *zstd.Decoder

	mu   sync.Mutex
	last ref.RunID // greatest given out
}

// Open returns the zone in dir, which is created when the first run begins.
func Open(dir string) (*Zone, error) {
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return nil, fmt.Errorf("opening the landing zone: %s is a file, not a folder", dir)
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecodeAllCapLimit(true))
	if err != nil {
		return nil, fmt.Errorf("opening the landing zone: %w", err)
	}
	return &Zone{dir: dir, disk: osDisk{}, dec: dec}, nil
}

// workers is how many pages of a run are compressed and written at once: one a
// core, and two that wait for the disk meanwhile.
func workers() int { return min(runtime.GOMAXPROCS(0)+2, 8) }

// NewRunID returns a name for a run that begins now: its UTC time to the
// millisecond. It sorts after the run given, after every run of the zone and after
// every id given out before, also when the clock went back.
func (z *Zone) NewRunID(now time.Time, after ref.RunID) (ref.RunID, error) {
	z.mu.Lock()
	defer z.mu.Unlock()
	last := max(z.last, after)
	streams, err := z.Streams()
	if err != nil {
		return "", err
	}
	for _, s := range streams {
		ids, err := z.RunIDs(s)
		if err != nil {
			return "", err
		}
		if n := len(ids); n > 0 {
			last = max(last, ids[n-1])
		}
	}
	id := ref.RunIDAt(now)
	if id <= last {
		if err := last.Check(); err != nil {
			return "", fmt.Errorf("choosing a run id after %s: %w", last, err)
		}
		id = last.Next()
	}
	z.last = id
	return id, nil
}

// Streams lists the streams that have a folder, sorted.
func (z *Zone) Streams() ([]ref.Stream, error) {
	var all []ref.Stream
	sources, err := folders(z.dir, ref.IsIdentifier)
	if err != nil {
		return nil, fmt.Errorf("listing the streams landed: %w", err)
	}
	for _, source := range sources {
		streams, err := folders(filepath.Join(z.dir, source), ref.IsIdentifier)
		if err != nil {
			return nil, fmt.Errorf("listing the streams landed: %w", err)
		}
		for _, stream := range streams {
			all = append(all, ref.Stream{Source: source, Name: stream})
		}
	}
	return all, nil
}

// RunIDs lists the runs of a stream by name, oldest first, and opens none of
// them. Some may have died before they said anything.
func (z *Zone) RunIDs(s ref.Stream) ([]ref.RunID, error) {
	names, err := folders(filepath.Join(z.dir, s.Source, s.Name), func(name string) bool { return ref.RunID(name).Check() == nil })
	if err != nil {
		return nil, fmt.Errorf("listing the runs of %s: %w", s, err)
	}
	ids := make([]ref.RunID, len(names))
	for i, name := range names {
		ids[i] = ref.RunID(name)
	}
	return ids, nil
}

// folders returns the names in dir that are folders and fit, sorted; none where
// dir does not exist.
func folders(dir string, fits func(string) bool) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() && fits(e.Name()) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// Body returns the bytes of a landed page, checked against the hash in its
// journal line, and puts the variables back into its request. dst is overwritten, and used where it is large enough. A body
// that is not what landed, or not there, is a *CorruptError; one that this machine
// would not read, for want of a right or of a file handle, is another error.
func (z *Zone) Body(l *Landed, dst []byte) ([]byte, error) {
	packed, err := readExactly(z.path(l.Ref), l.Stored)
	if errors.Is(err, errOtherSize) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.EIO) {
		return nil, &CorruptError{Ref: l.Ref, Err: err}
	}
	if err != nil {
		return nil, fmt.Errorf("reading landed page %s: %w", l.Ref, err)
	}
	if l.Asked < 0 || l.Asked > l.Stored {
		return nil, &CorruptError{Ref: l.Ref, Err: errVariables}
	}
	if l.Asked > 0 {
		variables, err := readVariables(z.dec, packed[l.Stored-l.Asked:])
		if err != nil {
			return nil, &CorruptError{Ref: l.Ref, Err: err}
		}
		l.Request, packed = putVariables(l.Request, variables), packed[:l.Stored-l.Asked]
	}
	// The capacity is the bound: what would grow past the recorded size is refused.
	dst = slices.Grow(dst[:0], int(l.Bytes))
	body, err := z.dec.DecodeAll(packed, dst[:0:l.Bytes])
	if err != nil {
		return nil, &CorruptError{Ref: l.Ref, Err: fmt.Errorf("decompressing: %w", err)}
	}
	if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) != l.SHA256 || int64(len(body)) != l.Bytes {
		return nil, &CorruptError{Ref: l.Ref, Err: fmt.Errorf("its sha256 is %x, not %s", sum, l.SHA256)}
	}
	return body, nil
}

var errOtherSize = errors.New("its file has another size")

func readExactly(path string, size int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() != size {
		return nil, fmt.Errorf("%w: %d bytes, not %d", errOtherSize, info.Size(), size)
	}
	data := make([]byte, size)
	_, err = io.ReadFull(f, data)
	return data, err
}
