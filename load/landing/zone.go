package landing

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/valyala/gozstd"

	"nightjar/load/ref"
)

// Zone is a landing zone. It may be used by several goroutines; one process at a
// time may write to it.
type Zone struct {
	dir  string
	disk disk
	pack func(dst, body []byte, level int) []byte // compresses a page
	dec  *zstd.Decoder

	mu   sync.Mutex
	last ref.RunID // greatest given out

	scratch sync.Pool // of *[]byte: pages as they are stored

	noting sync.Mutex
	asides map[ref.Run]*asides
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
	return &Zone{dir: dir, disk: osDisk{}, pack: gozstd.CompressLevel, dec: dec, asides: map[ref.Run]*asides{}}, nil
}

// workers is how many pages of a run are compressed at once: one a core.
func workers() int { return min(runtime.GOMAXPROCS(0), 8) }

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
