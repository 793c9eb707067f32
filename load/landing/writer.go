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
// Pages are compressed by a few workers; whatever is ready when the previous group is
// done makes the next one: its pages are added to the pack in their order, the pack is
// synced once, then the journal is written and synced once. A slow vendor's page is so
// durable at once, and a fast one's pages cost little each.
//
// The first error, of the disk or of Durable, is final: every later call returns
// it, and no page after it is counted or handed on.
type Writer struct {
	zone    *Zone
	header  Header
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

	spare sync.Pool // of *[]byte: the memory of members that are written

	// Of the committer, and of End and Close once it has returned.
	pack    growing
	journal growing
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
	w := &Writer{zone: z, header: h, durable: handOn,
		pages: make(chan *entry, maxWaiting), order: make(chan *entry, maxWaiting)}
	w.room = sync.NewCond(&w.mu)
	if err := w.create(line); err != nil {
		return nil, errors.Join(fmt.Errorf("beginning a run: %w", err), w.closeFiles())
	}
	for range workers() {
		w.working.Go(w.work)
	}
	w.working.Go(w.commitAll)
	return w, nil
}

// create makes the folder of the run and its files, with the journal's first line; what
// it has opened is closed by others. The name of the pack is durable before the journal
// says anything.
func (w *Writer) create(line []byte) error {
	disk, dir := w.zone.disk, w.zone.folder(w.header.Ref())
	stream := filepath.Dir(dir)
	if err := durable.MakeDirBy(stream, disk.Mkdir, disk.SyncDir); err != nil {
		return err
	}
	if err := disk.Mkdir(dir); err != nil {
		return err
	}
	for name, g := range map[string]*growing{packName: &w.pack, ref.JournalName: &w.journal} {
		f, err := disk.Create(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		g.f = f
	}
	for _, d := range []string{dir, stream} {
		if err := disk.SyncDir(d); err != nil {
			return err
		}
	}
	return w.journal.append(line)
}

// closeFiles closes what create has opened.
func (w *Writer) closeFiles() error {
	var err error
	for _, g := range []growing{w.pack, w.journal} {
		if g.f != nil {
			err = errors.Join(err, g.f.Close())
		}
	}
	return err
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

// End waits for every page, ends the pack and closes the run. After an error only StatusFailed
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
	if err = w.failure(); err == nil {
		err = w.ending(w.pack.append(endOfPack()))
	}
	if err == nil || e.Status == StatusFailed {
		err = w.ending(w.journal.append(line))
	}
	return errors.Join(err, w.closeFiles())
}

// ending says in an error what failed.
func (w *Writer) ending(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("ending the run %s: %w", w.header.RunID, err)
}

// Close waits for every page and leaves the run without an end, as one that died.
// After End it does nothing.
func (w *Writer) Close() error {
	if !w.stop() {
		return nil
	}
	return errors.Join(w.failure(), w.closeFiles())
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
