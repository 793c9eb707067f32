package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"path"
	"sync"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"golang.org/x/sync/semaphore"

	"nightjar/extract"
	"nightjar/load"
	"nightjar/load/landing"
	"nightjar/transform"
)

// decoders turn pages into staged rows, a few pages at a time.
type decoders struct {
	pages chan landedPage
	room  *semaphore.Weighted // see weight
	group sync.WaitGroup
	stop  context.CancelFunc
	ctx   context.Context
	once  sync.Once
	err   error
}

// The pages that wait for a decoder are enough to keep it busy while the next ones
// become durable.
const (
	waitingPages = 64
	waitingBytes = 8 << 20 // of those that are being decoded too; a larger page is alone
)

type landedPage struct {
	landing.Landed
	body   []byte
	weight int64 // of the room for pages
}

// startDecoders starts one decoder a core, as far as memory allows.
func (l *leg) startDecoders() (*decoders, error) {
	d := newDecoders()
	for range l.run.Budget().Decoders {
		decoder, err := transforms[streamKey(l.Source, l.Stream)].NewDecoder(l.run.transformOptions())
		if err != nil {
			d.stop()
			close(d.pages)
			return nil, err
		}
		l.startDecoder(decoder, d)
	}
	return d, nil
}

func newDecoders() *decoders {
	d := &decoders{pages: make(chan landedPage, waitingPages), room: semaphore.NewWeighted(waitingBytes)}
	d.ctx, d.stop = context.WithCancel(context.Background())
	return d
}

func (l *leg) startDecoder(decoder transform.Decoder, d *decoders) {
	d.group.Go(func() {
		if err := l.decode(decoder, d); err != nil {
			d.fail(err)
		}
	})
}

func (d *decoders) fail(err error) {
	d.once.Do(func() { d.err = err })
	d.stop()
}

// send hands over a durable page; it blocks while the decoders are busy.
func (d *decoders) send(page landing.Landed, body []byte) error {
	took := weight(body)
	if d.room.Acquire(d.ctx, took) != nil {
		return d.err
	}
	select {
	case d.pages <- landedPage{page, body, took}:
		return nil
	case <-d.ctx.Done():
		return d.err
	}
}

// weight is what a page takes of the room for pages: its bytes, and what becomes of
// its values, which may be many in few bytes.
func weight(body []byte) int64 {
	const value = 16 // bytes, counted as one; a row of one value takes more, and a text no more than it has
	return min(int64(len(body)+value*bytes.Count(body, []byte(","))), waitingBytes)
}

// wait ends the decoders once all pages are decoded.
func (d *decoders) wait() error {
	close(d.pages)
	d.group.Wait()
	d.stop()
	return d.err
}

// rowsBytes is how much a decoder gathers before it hands its rows to the
// stages: large enough that sorted runs are few.
const rowsBytes = 12 << 20

// decode is one decoder's loop. Rows are handed over between pages only, so that
// the rows of a page stay together in their order.
func (l *leg) decode(decoder transform.Decoder, d *decoders) (err error) {
	defer load.Catch(&err)
	rows := transforms[streamKey(l.Source, l.Stream)].NewRows(memory.DefaultAllocator)
	defer rows.Release()
	known := gapsByQuery{}
	for page := range d.pages {
		if d.ctx.Err() != nil {
			return nil // the rows go nowhere
		}
		if err := l.decodePage(decoder, page, known, rows); err != nil {
			return fmt.Errorf("decode page %s: %w", page.Ref, err)
		}
		if rows.Bytes() >= rowsBytes {
			if err := rows.Flush(l.stage); err != nil {
				return err
			}
		}
		d.room.Release(page.weight)
	}
	return rows.Flush(l.stage)
}

// pageRequest is what is landed of a page's request, its variables as they are: the
// decoder reads them.
type pageRequest struct {
	extract.Request
	Variables json.RawMessage `json:"variables"`
}

func (l *leg) decodePage(decoder transform.Decoder, page landedPage, known gapsByQuery, rows *transform.Rows) (err error) {
	defer load.Catch(&err)
	var request pageRequest
	if err := json.Unmarshal(page.Request, &request); err != nil {
		return fmt.Errorf("read its request record: %w", err)
	}
	gaps, err := known.of(l, request.Query)
	if err == nil {
		err = l.noteGaps(page.Ref, gaps)
	}
	if err != nil {
		return fmt.Errorf("read its request record: %w", err)
	}
	before := rows.Rejected()
	decoder.Decode(transform.Page{Ref: page.Ref, At: page.At, Records: page.Rows, Operation: request.Operation, Variables: request.Variables, Gaps: gaps, Whole: (*transform.Span)(request.Whole)}, page.body, rows)
	l.countRejected(page.Landed, rows.Rejected().Since(before))
	return rows.Looks(func(t transform.Table, parents iter.Seq[[]byte]) error {
		return l.stages[t.Full()].Look(page.Ref, parents)
	})
}

// decodeRun decodes the pages of a landed run beside any leg, page by page, and passes
// what comes of them; body reads a page.
func (r *run) decodeRun(ctx context.Context, landed *landing.Run, body func(*landing.Landed) ([]byte, error), take func(transform.Table, arrow.Record) error) error {
	stream := transforms[streamKey(landed.Header.Source, landed.Header.Stream)]
	decoder, err := stream.NewDecoder(r.transformOptions())
	if err != nil {
		return err
	}
	rows := stream.NewRows(memory.DefaultAllocator)
	defer rows.Release()
	for page, err := range landed.Pages() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		text, err := body(&page)
		if err != nil {
			return err
		}
		var request pageRequest
		if err := json.Unmarshal(page.Request, &request); err != nil {
			return fmt.Errorf("read the request record of %s: %w", page.Ref, err)
		}
		decoder.Decode(transform.Page{Ref: page.Ref, At: page.At, Records: page.Rows, Operation: request.Operation, Variables: request.Variables}, text, rows)
		if err := rows.Flush(take); err != nil {
			return err
		}
	}
	return nil
}

// stage adds a record to the stage of its table.
func (l *leg) stage(t transform.Table, rec arrow.Record) error {
	l.show(t, rec)
	return l.stages[t.Full()].Add(rec)
}

// show lets the run learn from a record what its other legs ask for.
func (l *leg) show(t transform.Table, rec arrow.Record) {
	if l.observe == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.observe(t.Full(), rec)
}

// countRejected books what a page lost to its window. A page that is rejected as a
// whole has lost every record that the walk saw in it. A row nested in a record was
// never counted as fetched, so it stands for none.
func (l *leg) countRejected(page landing.Landed, r transform.Rejected) {
	if r.Total() == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.Rejects += int64(r.Total())
	l.Rejected += int64(r.Records)
	l.pages[path.Dir(page.Ref)][page.Seq-1].Rejected += int64(r.Records)
}
