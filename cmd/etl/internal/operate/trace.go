package operate

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"
	"unicode/utf8"

	"nightjar/cmd/etl/internal/warehouse"
	"nightjar/load/landing"
	"nightjar/load/ref"
)

// Traced is a landed page with what was asked for it. Its body is in one of JSON, Text
// and Base64 too, by what it is.
type Traced struct {
	Page    string          `json:"page"` // its reference
	Window  string          `json:"window"`
	Request json.RawMessage `json:"request,omitempty"` // as it was kept: without secrets
	At      time.Time       `json:"at"`                // when the answer was whole, UTC
	Rows    int64           `json:"rows"`
	Bytes   int64           `json:"bytes"` // of the body
	SHA256  string          `json:"sha256"`
	Body    []byte          `json:"-"` // as the vendor sent it
	JSON    json.RawMessage `json:"body,omitempty"`
	Text    *string         `json:"text,omitempty"`   // of a body that is no JSON
	Base64  []byte          `json:"base64,omitempty"` // of a body that is no text
}

// TracePage reads a landed page by its reference, the _page of its rows, against its
// hash. It opens no socket and takes no lock. A reference that is none is a
// *warehouse.UsageError.
func TracePage(site *warehouse.Site, reference string) (*Traced, error) {
	const want = "want one such as aircall/calls/20261120T021500.000Z/000012, the _page of any row"
	page, err := ref.ParsePage(reference)
	if err != nil {
		return nil, &warehouse.UsageError{Problem: fmt.Sprintf("--page: %v; %s", err, want)}
	}
	if page.Journal() {
		return nil, &warehouse.UsageError{Problem: fmt.Sprintf("--page: %s is a journal, and no page; %s", page, want)}
	}
	zone, err := site.Zone()
	if err != nil {
		return nil, err
	}
	found, err := findPage(zone, page)
	if err != nil {
		return nil, err
	}
	body, err := zone.Body(found, nil)
	if err != nil {
		return nil, restorable(err)
	}
	return traced(found, body), nil
}

// findPage finds what the journal of its run says of a page.
func findPage(zone *landing.Zone, page ref.Page) (*landing.Landed, error) {
	run, err := zone.Run(page.Run)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, noRun(zone, page)
	}
	if err != nil {
		return nil, restorable(err)
	}
	found, has, err := run.Page(page.Seq)
	switch {
	case err != nil:
		return nil, restorable(err)
	case has:
		return &found, nil
	case run.Damage != nil:
		return nil, fmt.Errorf("page %s is none of the %d that stand before the damage of its journal: %w", page, run.Landed, restorable(run.Damage))
	case run.Landed == 0:
		return nil, fmt.Errorf("no page %s: the run has landed none", page)
	}
	return nil, fmt.Errorf("no page %s: the run has landed %06d to %06d", page, 1, run.Landed)
}

// noRun says that a page's run has not landed, and which ones have.
func noRun(zone *landing.Zone, page ref.Page) error {
	ids, err := zone.RunIDs(page.Run.Stream)
	if err != nil {
		return err
	}
	if len(ids) == 0 {
		return fmt.Errorf("no page %s: nothing of %s has landed in this warehouse", page, page.Run.Stream)
	}
	return fmt.Errorf("no page %s: no such run has landed; of %s there are %d, from %s to %s", page, page.Run.Stream, len(ids), ids[0], ids[len(ids)-1])
}

// restorable says of damage which file a backup has to give back.
func restorable(err error) error {
	if corrupt, ok := errors.AsType[*landing.CorruptError](err); ok {
		return fmt.Errorf("%w: restore %s from a backup; `etl verify --landing` lists all that is damaged",
			err, filepath.Join("landing", filepath.FromSlash(landing.File(corrupt.Ref))))
	}
	return err
}

func traced(page *landing.Landed, body []byte) *Traced {
	t := &Traced{
		Page: page.Ref.String(), Window: page.Window, Request: page.Request, At: page.At, Rows: page.Rows,
		Bytes: page.Bytes, SHA256: page.SHA256, Body: body,
	}
	switch {
	case !utf8.Valid(body):
		t.Base64 = body
	case json.Valid(body):
		t.JSON = body
	default:
		text := string(body)
		t.Text = &text
	}
	return t
}
