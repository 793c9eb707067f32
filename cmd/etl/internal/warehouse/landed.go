package warehouse

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"nightjar/cmd/etl/internal/config"
	"nightjar/cmd/etl/internal/streams"
	"nightjar/extract"
	"nightjar/load/landing"
	"nightjar/load/ref"
	"nightjar/transform"
)

// Planned is the plan of a landed run; nil where it is lost.
func Planned(r *landing.Run) []extract.Window {
	var planned []extract.Window
	if json.Unmarshal(r.Header.Windows, &planned) != nil {
		return nil
	}
	return planned
}

// Covered is what each window of a landed run covers, by its plan. Where the plan is
// lost, that is nothing: what the run brought is asked for again.
func Covered(r *landing.Run) map[string]extract.Bookmark {
	covers := map[string]extract.Bookmark{}
	for _, w := range Planned(r) {
		covers[w.ID] = w.Covers
	}
	return covers
}

// PipelineOf is the pipeline that reads a stream; where the configuration has
// none, the one that landed it.
func (v *View) PipelineOf(s ref.Stream, runs []*landing.Run) config.Pipeline {
	if p, ok := v.Config.Loader(s); ok {
		return p
	}
	name := s.String()
	if len(runs) > 0 {
		name = runs[len(runs)-1].Header.Pipeline
	}
	return config.Pipeline{Name: name, Source: s.Source, Stream: s.Name, Partition: config.ByMonth}
}

// Request is what was asked for a landed page, its variables as they landed: who decodes
// the page reads them.
type Request struct {
	extract.Request
	Variables json.RawMessage `json:"variables"`
}

// RequestOf reads what was asked for a landed page.
func RequestOf(page landing.Landed) (Request, error) {
	var r Request
	err := json.Unmarshal(page.Request, &r)
	return r, err
}

// Page is what a decoder may know of the page beside its bytes.
func (r Request) Page(page landing.Landed) transform.Page {
	return transform.Page{Ref: page.Ref.String(), At: page.At, Records: page.Rows, Operation: r.Operation, Variables: r.Variables, Whole: (*transform.Span)(r.Whole)}
}

// FirstLanded is the first run of the landing zone; own where it has none.
func (v *View) FirstLanded(own ref.RunID) (ref.RunID, error) {
	first := own
	all, err := v.Zone.Streams()
	if err != nil {
		return "", err
	}
	for _, s := range all {
		ids, err := v.Zone.RunIDs(s)
		if err != nil {
			return "", err
		}
		if len(ids) > 0 {
			first = min(first, ids[0])
		}
	}
	return first, nil
}

// decodeUnpublished is streams.Unpublished.
func (v *View) decodeUnpublished(ctx context.Context, s ref.Stream, damaged []byte, take func(transform.Table, arrow.Record) error) error {
	runs, err := v.unpublished(s)
	if err != nil {
		return err
	}
	for _, r := range runs {
		err := v.Decode(ctx, r, func(page *landing.Landed) ([]byte, error) {
			body, err := v.Zone.Body(page, nil)
			var corrupt *landing.CorruptError
			if errors.As(err, &corrupt) {
				return damaged, nil
			}
			return body, err
		}, take)
		if err != nil {
			return fmt.Errorf("read what run %s has landed: %w", r.Header.RunID, err)
		}
	}
	return nil
}

// Decode decodes the pages of a landed run, page by page, and passes what comes of them;
// body reads a page.
func (v *View) Decode(ctx context.Context, landed *landing.Run, body func(*landing.Landed) ([]byte, error), take func(transform.Table, arrow.Record) error) error {
	stream, err := streams.Of(landed.Ref().Stream)
	if err != nil {
		return err
	}
	decoder, err := stream.NewDecoder(v.Transform())
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
		request, err := RequestOf(page)
		if err != nil {
			return fmt.Errorf("read the request record of %s: %w", page.Ref, err)
		}
		decoder.Decode(request.Page(page), text, rows)
		if err := rows.Flush(take); err != nil {
			return err
		}
	}
	return nil
}

// Compact undoes the manifest's indentation, which is for people.
func Compact(value json.RawMessage) string {
	var compact bytes.Buffer
	if json.Compact(&compact, value) != nil {
		return string(value)
	}
	return compact.String()
}
