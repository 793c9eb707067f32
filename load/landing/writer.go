package landing

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	"github.com/valyala/gozstd"

	"nightjar/load"

	"nightjar/load/ref"
)

const (
	// maxHeld bounds the bodies that a writer holds, in bytes. One page may be
	// larger; it is then held alone.
	maxHeld = 8 << 20
	// maxWaiting bounds the pages and lines that are under way.
	maxWaiting = 256
	// maxSyncs bounds the files of a group that are synced at once.
	maxSyncs = 16
	// compressionLevel is zstd's, of which it is the fastest ordinary one: pages
	// become a seventh. They are compressed by the C library, which does it at twice
	// the pace of Go's and leaves the processor's cache to others.
	compressionLevel = 1
	// maxScratch bounds what a worker keeps for the next page, in bytes.
	maxScratch = 1 << 20
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

// entry is a page, or a line of the journal, on its way to the disk.
type entry struct {
	landed Landed
	write  bool   // see Page
	body   []byte // nil for a line
	line   []byte // nil for a page and for Sync
	file   file   // written and not yet synced; the committer's to close
	err    error
	ready  chan struct{} // closed by the worker; nil for a line
	done   chan struct{} // closed by the committer when durable and handed on, or failed
}

// Begin opens a new run; one that exists is refused. Durable may be nil.
func (z *Zone) Begin(h Header, durable Durable) (*Writer, error) {
	if err := h.Ref().Check(); err != nil {
		return nil, fmt.Errorf("beginning a run: %w", err)
	}
	line, err := appendLine(nil, headerLine, headerRecord{Format: journalFormat, Header: h})
	if err != nil {
		return nil, fmt.Errorf("beginning a run: %w", err)
	}
	dir := filepath.Dir(z.path(h.Ref().Journal()))
	stream := filepath.Dir(dir)
	if err := makeDir(z.disk, stream); err != nil {
		return nil, fmt.Errorf("beginning a run: %w", err)
	}
	if err := z.disk.Mkdir(dir); err != nil {
		return nil, fmt.Errorf("beginning a run: %w", err)
	}
	f, err := z.disk.Create(filepath.Join(dir, ref.JournalName))
	if err != nil {
		return nil, fmt.Errorf("beginning a run: %w", err)
	}
	w := &Writer{zone: z, header: h, dir: dir, durable: durable, journal: journal{f: f},
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

// work compresses pages and writes their files.
func (w *Writer) work() {
	var scratch []byte
	for e := range w.pages {
		if w.failure() == nil {
			scratch, e.err = w.store(e, scratch)
		}
		if cap(scratch) > maxScratch {
			scratch = nil
		}
		close(e.ready)
	}
}

// store compresses a page and writes its file, which is yet to be synced.
func (w *Writer) store(e *entry, scratch []byte) (packed []byte, err error) {
	defer inPage(e, &err)
	defer load.Catch(&err)
	sum := sha256.Sum256(e.body)
	packed = gozstd.CompressLevel(scratch[:0], e.body, compressionLevel)
	if _, variables := cutVariables(e.landed.Request); variables != nil && !e.write {
		page := len(packed)
		packed = appendVariables(packed, variables)
		e.landed.Asked = int64(len(packed) - page)
	}
	e.landed.SHA256 = hex.EncodeToString(sum[:])
	e.landed.Stored = int64(len(packed))
	e.file, err = writeNew(w.zone.disk, w.zone.path(e.landed.Ref), packed)
	return packed, err
}

// inPage says in err which page could not be landed.
func inPage(e *entry, err *error) {
	if *err != nil {
		*err = fmt.Errorf("landing page %s: %w", e.landed.Ref, *err)
	}
}

// commitAll commits the entries in order, as many at once as are ready.
func (w *Writer) commitAll() {
	var group []*entry
	var next *entry // taken from order, and not ready with the group before it
	for {
		if next == nil {
			if next = <-w.order; next == nil {
				return
			}
		}
		if next.ready != nil {
			<-next.ready
		}
		group = append(group[:0], next)
		group, next = w.gather(group)
		w.commit(group)
		clear(group)
	}
}

// gather adds to the group what is ready now, and returns the first entry that is
// not; nil where there is none.
func (w *Writer) gather(group []*entry) ([]*entry, *entry) {
	for {
		select {
		case e := <-w.order:
			if e == nil || !e.isReady() {
				return group, e
			}
			group = append(group, e)
		default:
			return group, nil
		}
	}
}

func (e *entry) isReady() bool {
	if e.ready == nil {
		return true
	}
	select {
	case <-e.ready:
		return true
	default:
		return false
	}
}

// commit makes a group durable and hands it on, up to the first entry that failed.
func (w *Writer) commit(group []*entry) {
	w.syncFiles(group)
	whole := group
	for i, e := range group {
		if e.err != nil {
			whole = group[:i]
			break
		}
	}
	err := w.failure()
	if err == nil {
		err = w.record(whole)
	}
	for i, e := range group {
		if err == nil {
			err = e.err
		}
		if err == nil && i < len(whole) && e.body != nil && w.durable != nil {
			err = w.handOn(e)
		}
		w.release(e, err)
	}
}

// syncFiles makes the group's files durable, several at once: the file system
// then answers them with one commit of its own journal. It leaves none open.
func (w *Writer) syncFiles(group []*entry) {
	limit := make(chan struct{}, maxSyncs)
	var syncing sync.WaitGroup
	for _, e := range group {
		if e.file == nil {
			continue
		}
		limit <- struct{}{}
		syncing.Go(func() {
			defer func() { <-limit }()
			if err := e.sync(); err != nil {
				e.err = err
			}
		})
	}
	syncing.Wait()
}

// sync makes the entry's file durable and closes it.
func (e *entry) sync() (err error) {
	defer inPage(e, &err)
	defer load.Catch(&err)
	f := e.file
	e.file = nil
	return errors.Join(f.Sync(), f.Close())
}

// handOn gives a durable page to whoever waits for it.
func (w *Writer) handOn(e *entry) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("handing on page %s: %w", e.landed.Ref, err)
		}
	}()
	defer load.Catch(&err)
	return w.durable(e.landed, e.body)
}

// record adds a group to the journal.
func (w *Writer) record(group []*entry) error {
	if err := w.write(group); err != nil {
		return fmt.Errorf("landing the pages of run %s: %w", w.header.RunID, err)
	}
	return nil
}

// write syncs the folder, so that every page of the group has its name, and then
// adds the group's lines to the journal in one write.
func (w *Writer) write(group []*entry) (err error) {
	defer load.Catch(&err)
	var data []byte
	landed := false
	for _, e := range group {
		data = append(data, e.line...)
		if e.body != nil {
			landed = true
			if data, err = w.appendPage(data, e.landed); err != nil {
				return err
			}
		}
	}
	if landed {
		if err := w.zone.disk.SyncDir(w.dir); err != nil {
			return err
		}
	}
	if len(data) == 0 {
		return nil
	}
	return w.journal.append(data)
}

func (w *Writer) appendPage(data []byte, l Landed) ([]byte, error) {
	request := l.Request
	if l.Asked > 0 {
		request, _ = cutVariables(request)
	}
	short, text := w.queries.split(request)
	if text != nil {
		var err error
		if data, err = appendLine(data, textLine, text); err != nil {
			return data, err
		}
	}
	l.Request = short
	return appendLine(data, pageLine, l)
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
