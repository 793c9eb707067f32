package pipeline

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"nightjar/cmd/etl/internal/config"
	"nightjar/extract"
	"nightjar/load/database"
)

// known answers what the extractors ask of the live generation and, for waves,
// of the messages that the same run has staged.
type known struct {
	run   *run
	waves map[int64]struct{} // ids that staged messages name
	mu    sync.Mutex         // guards db, which one query uses at a time
	db    *database.DB       // of the live generation; nil until asked
}

func newKnown(r *run) *known {
	return &known{run: r, waves: map[int64]struct{}{}}
}

// observe notes the wave ids of staged messages.
func (k *known) observe(table string, rec arrow.Record) {
	if table == "volt.messages" {
		k.observeWaves(rec)
	}
}

func (k *known) observeWaves(rec arrow.Record) {
	ids := rec.Column(rec.Schema().FieldIndices("wave_id")[0]).(*array.Int64)
	for i := range ids.Len() {
		if ids.IsValid(i) {
			k.waves[ids.Value(i)] = struct{}{}
		}
	}
}

// WaveIDs returns the ids of the waves held, and those that messages name, live
// or staged, while their wave is not held. Both ascend.
func (k *known) WaveIDs(ctx context.Context) (held, named []int64, err error) {
	if held, err = k.ids(ctx, "SELECT wave_id FROM volt.waves ORDER BY wave_id"); err != nil {
		return nil, nil, err
	}
	live, err := k.ids(ctx, "SELECT DISTINCT wave_id FROM volt.messages WHERE wave_id IS NOT NULL")
	if err != nil {
		return nil, nil, err
	}
	all := maps.Clone(k.waves)
	for _, id := range live {
		all[id] = struct{}{}
	}
	for _, id := range held {
		delete(all, id)
	}
	return held, slices.Sorted(maps.Keys(all)), nil
}

// HeldCalls returns how many of the ids the warehouse holds.
func (k *known) HeldCalls(ctx context.Context, ids []string) (int, error) {
	quoted := make([]string, len(ids))
	for i, id := range ids {
		quoted[i] = database.Text(id)
	}
	found, err := k.ids(ctx, fmt.Sprintf("SELECT count(*) FROM aircall.calls WHERE call_id IN (%s)", strings.Join(quoted, ", ")))
	if err != nil || len(found) == 0 {
		return 0, err
	}
	return int(found[0]), nil
}

// TransactionsHaveIDs reports whether a transaction of iAdvize is held by the
// vendor's id. Where the vendor gives none, the key is a hash of 32 digits.
func (k *known) TransactionsHaveIDs(ctx context.Context) (bool, error) {
	found, err := k.ids(ctx, "SELECT 1 FROM iadvize.transactions WHERE NOT regexp_full_match(transaction_id, '[0-9a-f]{32}') LIMIT 1")
	return len(found) > 0, err
}

// UnsettledWaves returns the ids of the waves scheduled at or after before, or
// at an unknown time.
func (k *known) UnsettledWaves(ctx context.Context, before time.Time) ([]int64, error) {
	return k.ids(ctx, "SELECT wave_id FROM volt.waves WHERE scheduled_at IS NULL OR scheduled_at >= "+instant(before))
}

// calls estimates the requests that a window takes from the rows that the
// warehouse has for it; zero where it has none.
func (k *known) calls(ctx context.Context, p config.Pipeline, w extract.Window) int {
	stream, tables := streams[p.Ref()], transforms[p.Ref()].Tables
	if stream.known == "" || len(tables) == 0 {
		return 0
	}
	condition, err := stream.holds(w.From, w.To, w.Scope)
	if err != nil {
		return 0
	}
	found, err := k.ids(ctx, fmt.Sprintf("SELECT count(*) FROM %s WHERE %s", database.Name(loadTable(tables[0])), condition))
	if err != nil || len(found) == 0 || found[0] == 0 {
		return 0
	}
	return 1 + int(found[0])/pageRows
}

// pageRows is how many records the vendors give in a page, near enough for an
// estimate.
const pageRows = 100

// SettledMessages returns which of ids are in the warehouse with a final status
// and sent before the time given.
func (k *known) SettledMessages(ctx context.Context, ids []int64, before time.Time) (map[int64]bool, error) {
	settled := map[int64]bool{}
	if len(ids) == 0 {
		return settled, nil
	}
	found, err := k.ids(ctx, fmt.Sprintf("SELECT message_id FROM volt.messages WHERE message_id IN (%s) AND status IN ('delivered', 'failed') AND sent_at < %s",
		list(ids), instant(before)))
	for _, id := range found {
		settled[id] = true
	}
	return settled, err
}

func (k *known) ids(ctx context.Context, query string) ([]int64, error) {
	return column[int64](ctx, k, query)
}

// column runs a query over the live generation that returns one column; where
// nothing is live, there is nothing.
func column[T any](ctx context.Context, k *known, query string) (values []T, err error) {
	err = k.each(ctx, query, func(rows *sql.Rows) error {
		var v T
		err := rows.Scan(&v)
		values = append(values, v)
		return err
	})
	return values, err
}

// each runs a query over the live generation and takes its rows; where nothing is
// live, there are none.
func (k *known) each(ctx context.Context, query string, take func(*sql.Rows) error) error {
	if k.run.parent == nil {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.db == nil {
		db, err := k.run.openLive(ctx, k.run.parent)
		if err != nil {
			return err
		}
		k.db = db
	}
	rows, err := k.db.Query(ctx, query)
	if err != nil {
		return fmt.Errorf("read what the warehouse knows: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := take(rows); err != nil {
			return fmt.Errorf("read what the warehouse knows: %w", err)
		}
	}
	return rows.Err()
}

func list[T any](all []T) string {
	texts := make([]string, len(all))
	for i, v := range all {
		texts[i] = fmt.Sprint(v)
	}
	return strings.Join(texts, ", ")
}

// close lets go of the live database.
func (k *known) close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.db != nil {
		k.db.Close()
		k.db = nil
	}
}
