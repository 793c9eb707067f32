package pipeline

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"nightjar/cmd/etl/internal/config"
	"nightjar/extract"
	"nightjar/load/database"
	"nightjar/transform"
)

// known answers what the extractors ask of the live generation and, for waves,
// of the messages that the same run has staged.
type known struct {
	run   *run
	waves map[int64]struct{} // ids that staged messages name
	idv   map[string]bool    // contacts for which a staged session has not expired
	mu    sync.Mutex         // guards db, which one query uses at a time
	db    *database.DB       // of the live generation; nil until asked
}

func newKnown(r *run) *known {
	return &known{run: r, waves: map[int64]struct{}{}, idv: map[string]bool{}}
}

// observe notes the wave ids of staged messages, and the contacts of staged
// sessions.
func (k *known) observe(table string, rec arrow.Record) {
	switch table {
	case "volt.messages":
		k.observeWaves(rec)
	case "clientloop.idv_sessions":
		k.observeSessions(rec)
	}
}

func (k *known) observeSessions(rec arrow.Record) {
	contacts := rec.Column(rec.Schema().FieldIndices("contact_id")[0]).(*array.String)
	expiries := rec.Column(rec.Schema().FieldIndices("expires_at")[0]).(*array.Timestamp)
	for i := range contacts.Len() {
		if contacts.IsValid(i) && expiries.IsValid(i) && int64(expiries.Value(i)) > k.run.now.UnixMicro() {
			k.idv[contacts.Value(i)] = true
		}
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

// UnsettledWaves returns the ids of the waves scheduled at or after before, or
// at an unknown time.
func (k *known) UnsettledWaves(ctx context.Context, before time.Time) ([]int64, error) {
	return k.ids(ctx, "SELECT wave_id FROM volt.waves WHERE scheduled_at IS NULL OR scheduled_at >= "+instant(before))
}

// calls estimates the requests that a window takes from the rows that the
// warehouse has for it; zero where it has none.
func (k *known) calls(ctx context.Context, p config.Pipeline, w extract.Window) int {
	condition := streams[streamKey(p.Source, p.Stream)].known
	tables := transform.TablesOf(p.Source, p.Stream)
	if condition == "" || len(tables) == 0 {
		return 0
	}
	found, err := k.ids(ctx, fmt.Sprintf("SELECT count(*) FROM %s WHERE %s", database.Name(loadTable(tables[0])), spanOf(condition, &Window{From: w.From, To: w.To})))
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

// contacts lists those that are to have a session: the ones named, or those that
// the query over the warehouse returns, without the ones that have a session that
// has not expired.
func (k *known) contacts(ctx context.Context, named []string, query string) ([]string, error) {
	var err error
	if query != "" {
		if named, err = column[string](ctx, k, "SELECT COLUMNS(*)::VARCHAR FROM ("+query+")"); err != nil {
			return nil, fmt.Errorf("contacts_query: %w", err)
		}
	}
	held, err := column[string](ctx, k, "SELECT contact_id FROM clientloop.idv_sessions WHERE contact_id IS NOT NULL AND expires_at > "+instant(k.run.now))
	if err != nil {
		return nil, err
	}
	var without []string
	for _, contact := range slices.Compact(slices.Sorted(slices.Values(named))) {
		if contact != "" && !k.idv[contact] && !slices.Contains(held, contact) {
			without = append(without, contact)
		}
	}
	return without, nil
}

func (k *known) ids(ctx context.Context, query string) ([]int64, error) {
	return column[int64](ctx, k, query)
}

// column runs a query over the live generation that returns one column; where
// nothing is live, there is nothing.
func column[T any](ctx context.Context, k *known, query string) ([]T, error) {
	if k.run.parent == nil {
		return nil, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.db == nil {
		db, err := k.run.openLive(ctx, k.run.parent)
		if err != nil {
			return nil, err
		}
		k.db = db
	}
	rows, err := k.db.Query(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("read what the warehouse knows: %w", err)
	}
	defer rows.Close()
	var values []T
	for rows.Next() {
		var v T
		if err := rows.Scan(&v); err != nil {
			return nil, fmt.Errorf("read what the warehouse knows: %w", err)
		}
		values = append(values, v)
	}
	return values, rows.Err()
}

func list(ids []int64) string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = strconv.FormatInt(id, 10)
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
