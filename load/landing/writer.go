package landing

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	"nightjar/load/durable"
	"nightjar/load/ref"
)

const (
	// maxHeld bounds the bodies that a writer holds, in bytes. One page may be
	// larger; it is then held alone.
	maxHeld = 8 << 20
	// maxWaiting bounds the pages and lines that are under way.
	maxWaiting = 256
)

// Durable takes a page that has become durable. It is called in the order of
// Append, never twice at once, on a goroutine of the Writer, and may keep body.
// While it runs, the pages behind it are landed but not handed on. It must not
// call the Writer. An error ends the run.
type Durable func(l Landed, body []byte) error

// Writer lands the pages of one run. Its methods may be called from several
// goroutines; End and Close once all others have returned.
//
// Pages are compressed and written by a few workers; whatever is written when the
// previous group is done makes the next one: its files are synced together, then
// the folder once, then the journal once. A slow vendor's page is so durable at
// once, and a fast one's pages cost little each.
//
// The first error, of the disk or of Durable, is final: every later call returns
// it, and no page after it is counted or handed on.
type Writer struct {
	zone    *Zone
	header  Header
	dir     string
	durable Durable

	mu      sync.Mutex
	room    *sync.Cond // signalled when held, waiting, err or ended change
	held    int64      // bytes of bodies under way
	waiting int        // entries under way
	seq     int        // of the last page
	err     error
	ended   bool

	pages   chan *entry // to the workers
	order   chan *entry // to the committer
	working sync.WaitGroup

	// Of the committer, and of End and Close once it has returned.
	journal journal
	queries queries
}

// Begin opens a new run; one that exists is refused. handOn may be nil.
func (z *Zone) Begin(h Header, handOn Durable) (*Writer, error) {
	if err := h.Ref().Check(); err != nil {
		return nil, fmt.Errorf("beginning a run: %w", err)
	}
	line, err := appendLine(nil, headerLine, headerRecord{Format: journalFormat, Header: h})
	if err != nil {
		return nil, fmt.Errorf("beginning a run: %w", err)
	}
	dir := filepath.Dir(z.path(h.Ref().Journal()))
	stream := filepath.Dir(dir)
	if err := durable.MakeDirBy(stream, z.disk.Mkdir, z.disk.SyncDir); err != nil {
		return nil, fmt.Errorf("beginning a run: %w", err)
	}
	if err := z.disk.Mkdir(dir); err != nil {
		return nil, fmt.Errorf("beginning a run: %w", err)
	}
	f, err := z.disk.Create(filepath.Join(dir, ref.JournalName))
	if err != nil {
		return nil, fmt.Errorf("beginning a run: %w", err)
	}
	w := &Writer{zone: z, header: h, dir: dir, durable: handOn, journal: journal{f: f},
		pages: make(chan *entry, maxWaiting), order: make(chan *entry, maxWaiting)}
	w.room = sync.NewCond(&w.mu)
	err = w.journal.append(line)
	for _, d := range []string{dir, stream} {
		if err == nil {
			err = z.disk.SyncDir(d)
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("beginning a run: %w", err), f.Close())
	}
	for range workers() {
		w.working.Go(w.work)
	}
	w.working.Go(w.commitAll)
	return w, nil
}

// Append takes a page. It returns once the page is under way and blocks while
// too much is; Durable, or the return of Sync, says that it has landed.
func (w *Writer) Append(p Page) error {
	var request json.RawMessage
	if p.Request != nil {
		var compact bytes.Buffer
		if err := json.Compact(&compact, p.Request); err != nil {
			return fmt.Errorf("landing a page of window %s: its request is no JSON: %w", p.Window, err)
		}
		request = compact.Bytes()
	}
	after := p.After
	if string(after) == "null" {
		after = nil
	}
	if after != nil && !json.Valid(after) {
		return fmt.Errorf("landing a page of window %s: its bookmark is no JSON", p.Window)
	}
	if len(request)+len(after) > maxLine/4 {
		return fmt.Errorf("landing a page of window %s: its request has %d bytes, the most is %d", p.Window, len(request)+len(after), maxLine/4)
	}
	body := p.Body
	if body == nil {
		body = []byte{}
	}
	return w.enqueue(&entry{
		body: body, write: p.Write, ready: make(chan struct{}), done: make(chan struct{}),
		landed: Landed{Window: p.Window, Rows: p.Rows, Total: p.Total, Request: request,
			At: p.At, Bytes: int64(len(body)), After: after},
	})
}

// Sync returns when every page appended before it is durable and handed on.
func (w *Writer) Sync() error { return w.flush(nil) }

// FinishWindow records that a window has ended. It returns when the record and
// every page appended before it are durable and handed on.
func (w *Writer) FinishWindow(e WindowEnd) error {
	line, err := appendLine(nil, windowLine, e)
	if err != nil {
		return err
	}
	return w.flush(line)
}

func (w *Writer) flush(line []byte) error {
	e := &entry{line: line, done: make(chan struct{})}
	if err := w.enqueue(e); err != nil {
		return err
	}
	<-e.done
	return e.err
}

// End waits for every page and closes the run. After an error only StatusFailed
// can be recorded; with any other status End returns that error, and the run
// stays one that died.
func (w *Writer) End(e End) error {
	line, err := appendLine(nil, endLine, e)
	if err != nil {
		return err
	}
	if !w.stop() {
		return ErrEnded
	}
	if err = w.failure(); err == nil || e.Status == StatusFailed {
		if err = w.journal.append(line); err != nil {
			err = fmt.Errorf("ending the run %s: %w", w.header.RunID, err)
		}
	}
	return errors.Join(err, w.journal.f.Close())
}

// Close waits for every page and leaves the run without an end, as one that died.
// After End it does nothing.
func (w *Writer) Close() error {
	if !w.stop() {
		return nil
	}
	return errors.Join(w.failure(), w.journal.f.Close())
}

// stop takes no more entries and waits for those under way. It reports false
// where that was done before.
func (w *Writer) stop() bool {
	w.mu.Lock()
	first := !w.ended
	if first {
		w.ended = true
		close(w.pages)
		close(w.order)
		w.room.Broadcast()
	}
	w.mu.Unlock()
	w.working.Wait()
	return first
}

func (w *Writer) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// enqueue waits for room, gives a page its number, and sends the entry on. The
// channels have room for everything that may be under way, so sending under the
// lock keeps the order and never blocks.
func (w *Writer) enqueue(e *entry) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	size := int64(len(e.body))
	for w.err == nil && !w.ended && (w.waiting == maxWaiting || w.held > 0 && w.held+size > maxHeld) {
		w.room.Wait()
	}
	if w.err != nil {
		return w.err
	}
	if w.ended {
		return ErrEnded
	}
	w.waiting++
	w.held += size
	if e.body != nil {
		w.seq++
		e.landed.Seq = w.seq
		e.landed.Ref = w.header.Ref().Page(w.seq)
		w.pages <- e
	}
	w.order <- e
	return nil
}

// release gives back an entry's room and settles its fate; the first error is the
// writer's.
func (w *Writer) release(e *entry, err error) {
	w.mu.Lock()
	w.waiting--
	w.held -= int64(len(e.body))
	if w.err == nil {
		w.err = err
	}
	w.room.Broadcast()
	w.mu.Unlock()
	e.err, e.body = err, nil
	close(e.done)
}
