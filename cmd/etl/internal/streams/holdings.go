package streams

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"

	"github.com/apache/arrow/go/v17/arrow"

	"nightjar/extract"
	"nightjar/load/database"
	"nightjar/load/ref"
	"nightjar/transform"
)

// Holdings answers what the streams ask of the warehouse: of the live generation, of what
// has landed and is in none and, for waves, of the messages that the same run has staged.
type Holdings struct {
	open        Open
	unpublished Unpublished
	waves       map[int64]struct{} // ids that staged messages name

	mu sync.Mutex   // guards db, which one query uses at a time
	db *database.DB // of the live generation; nil until asked
}

// Open opens the tables of the live generation; nil where nothing is live. Where what
// was opened has failed, it opens another that holds the same, or returns the error.
type Open func(ctx context.Context, failed error) (*database.DB, error)

// Unpublished decodes the landed runs of a stream that are in no live table, in the order
// in which they landed. Damaged is what it reads in place of a page that is.
type Unpublished func(ctx context.Context, s ref.Stream, damaged []byte, take func(transform.Table, arrow.Record) error) error

// NewHoldings returns the holdings of a warehouse, to be closed after use.
func NewHoldings(open Open, unpublished Unpublished) *Holdings {
	return &Holdings{open: open, unpublished: unpublished, waves: map[int64]struct{}{}}
}

// Close lets go of the live database.
func (h *Holdings) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.db != nil {
		h.db.Close()
		h.db = nil
	}
}

// pageRows is how many records the vendors give in a page, near enough for an
// estimate.
const pageRows = 100

// Calls estimates the requests that a window takes from the rows that the
// warehouse has for it; zero where it has none.
func (h *Holdings) Calls(ctx context.Context, s *Stream, w extract.Window) int {
	if s.Again == nil {
		return 0
	}
	condition, err := s.Again(w.From, w.To, w.Scope)
	if err != nil {
		return 0
	}
	main := s.Tables[0]
	found, err := column[int64](ctx, h, fmt.Sprintf("SELECT count(*) FROM %s.%s WHERE %s", database.Ident(main.Schema), database.Ident(main.Name), condition))
	if err != nil || len(found) == 0 || found[0] == 0 {
		return 0
	}
	return 1 + int(found[0])/pageRows
}

// column runs a query over the live generation that returns one column; where
// nothing is live, there is nothing.
func column[T any](ctx context.Context, h *Holdings, query string) (values []T, err error) {
	begin := func() { values = nil }
	err = h.each(ctx, query, begin, func(rows *sql.Rows) error {
		var v T
		err := rows.Scan(&v)
		values = append(values, v)
		return err
	})
	return values, err
}

// each runs a query over the live generation and takes its rows; where nothing is
// live, there are none. It begins anew where a database turns out to be damaged.
func (h *Holdings) each(ctx context.Context, query string, begin func(), take func(*sql.Rows) error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	var failed error
	for {
		if h.db == nil {
			db, err := h.open(ctx, failed)
			if err != nil || db == nil {
				return err
			}
			h.db = db
		}
		begin()
		if failed = read(ctx, h.db, query, take); failed == nil {
			return nil
		}
		failed = fmt.Errorf("read what the warehouse holds: %w", failed)
		if !database.Damaged(failed) {
			return failed
		}
		h.db.Close()
		h.db = nil
	}
}

// read takes the rows of a query.
func read(ctx context.Context, db *database.DB, query string, take func(*sql.Rows) error) error {
	rows, err := db.Query(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := take(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// list is values behind commas.
func list[T any](all []T) string {
	texts := make([]string, len(all))
	for i, v := range all {
		texts[i] = fmt.Sprint(v)
	}
	return strings.Join(texts, ", ")
}
