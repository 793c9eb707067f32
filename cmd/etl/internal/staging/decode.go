package staging

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"sync"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"golang.org/x/sync/semaphore"

	"nightjar/cmd/etl/internal/warehouse"
	"nightjar/load"
	"nightjar/load/landing"
	"nightjar/transform"
)

// Decoders turn pages into staged rows, a few pages at a time.
type Decoders struct {
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

// Decode runs feed with decoders that stage what it sends them, and returns when all of it
// is staged. Where feed ends with an error of a run that is stopped, what still waits is
// left: nobody publishes it, and it has landed.
func (r *Rows) Decode(ctx context.Context, feed func(context.Context, *Decoders) error) error {
	decoders, err := r.startDecoders()
	if err != nil {
		return err
	}
	feedErr := feed(ctx, decoders)
	if ctx.Err() != nil {
		decoders.stop()
	}
	if err := decoders.wait(); err != nil {
		return fmt.Errorf("stage rows of %s: %w", r.pipeline, err)
	}
	return feedErr
}

// startDecoders starts one decoder a core, as far as memory allows.
func (r *Rows) startDecoders() (*Decoders, error) {
	d := newDecoders()
	for range r.decoders {
		decoder, err := r.Stream.NewDecoder(r.options)
		if err != nil {
			d.stop()
			close(d.pages)
			return nil, err
		}
		r.startDecoder(decoder, d)
	}
	return d, nil
}

func newDecoders() *Decoders {
	d := &Decoders{pages: make(chan landedPage, waitingPages), room: semaphore.NewWeighted(waitingBytes)}
	d.ctx, d.stop = context.WithCancel(context.Background())
	return d
}

func (r *Rows) startDecoder(decoder transform.Decoder, d *Decoders) {
	d.group.Go(func() {
		if err := r.decode(decoder, d); err != nil {
			d.fail(err)
		}
	})
}

func (d *Decoders) fail(err error) {
	d.once.Do(func() { d.err = err })
	d.stop()
}

// Send hands over a durable page; it blocks while the decoders are busy.
func (d *Decoders) Send(page landing.Landed, body []byte) error {
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
func (d *Decoders) wait() error {
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
func (r *Rows) decode(decoder transform.Decoder, d *Decoders) (err error) {
	defer load.Catch(&err)
	rows := r.Stream.NewRows(memory.DefaultAllocator)
	defer rows.Release()
	known := gapsByQuery{}
	for page := range d.pages {
		if d.ctx.Err() != nil {
			return nil // the rows go nowhere
		}
		if err := r.decodePage(decoder, page, known, rows); err != nil {
			return fmt.Errorf("decode page %s: %w", page.Ref, err)
		}
		if rows.Bytes() >= rowsBytes {
			if err := rows.Flush(r.stage); err != nil {
				return err
			}
		}
		d.room.Release(page.weight)
	}
	return rows.Flush(r.stage)
}

func (r *Rows) decodePage(decoder transform.Decoder, page landedPage, known gapsByQuery, rows *transform.Rows) (err error) {
	defer load.Catch(&err)
	request, err := warehouse.RequestOf(page.Landed)
	if err != nil {
		return fmt.Errorf("read its request record: %w", err)
	}
	gaps, err := known.of(r, request.Query)
	if err == nil {
		err = r.noteGaps(page.Ref, gaps)
	}
	if err != nil {
		return fmt.Errorf("read its request record: %w", err)
	}
	before := rows.Rejected()
	given := request.Page(page.Landed)
	given.Gaps = gaps
	decoder.Decode(given, page.body, rows)
	r.countRejected(page.Landed, rows.Rejected().Since(before))
	return rows.Looks(func(t transform.Table, parents iter.Seq[[]byte]) error {
		return r.stages[t.Full()].Look(page.Ref.String(), parents)
	})
}
