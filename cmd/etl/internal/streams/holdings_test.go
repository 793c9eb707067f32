package streams_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"nightjar/cmd/etl/internal/streams"
	"nightjar/cmd/etl/internal/warehouse"
	"nightjar/load/database"
)

// held is a live generation of calls, waves and messages: its database, where path names
// one, or one in memory.
func held(t *testing.T, path string) *database.DB {
	t.Helper()
	db, err := database.Open(t.Context(), path, database.Limits{Folder: os.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range warehouse.Tables() {
		if err := db.Create(t.Context(), table); err != nil {
			t.Fatal(err)
		}
	}
	for _, mart := range warehouse.Marts() {
		if err := db.ViewMart(t.Context(), mart); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range []string{
		"INSERT INTO aircall.calls (call_id, created_at) SELECT 'c' || i, TIMESTAMPTZ '2026-01-01' + to_hours(i) FROM range(48) r(i)",
		"INSERT INTO volt.waves (wave_id, scheduled_at) SELECT 10 * i, CASE WHEN i <> 3 THEN TIMESTAMPTZ '2026-01-01' + to_days(i::INTEGER) END FROM range(1, 11) r(i)",
		"INSERT INTO volt.messages (message_id, wave_id, account_phone) SELECT i, CASE WHEN i % 5 > 0 THEN 5 * i END, '+1' FROM range(1, 31) r(i)",
	} {
		if err := db.Exec(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	return db
}

// What the walks are told is what the tables hold.
func TestHoldings(t *testing.T) {
	open := func(context.Context, error) (*database.DB, error) { return held(t, ""), nil }
	h := streams.NewHoldings(open, nil)
	defer h.Close()
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	ids := []string{"c0", "c1", "c2", "c30", "none"}
	for _, c := range []struct {
		from, to time.Time
		want     int
	}{{day, day.Add(2 * time.Hour), 2}, {day.Add(time.Hour), day.AddDate(0, 0, 2), 3}, {day, day.AddDate(0, 0, 2), 4}, {day.AddDate(0, 0, 2), day.AddDate(0, 0, 3), 0}} {
		if n, err := h.HeldCalls(t.Context(), ids, c.from, c.to); err != nil || n != c.want {
			t.Errorf("%d calls from %v to %v (%v), want %d", n, c.from, c.to, err, c.want)
		}
	}
	// Messages name 5, 10, … 145 and no multiple of 25, and waves 10, 20, … 100 are held.
	named := []int64{5, 15, 35, 45, 55, 65, 85, 95, 105, 110, 115, 120, 130, 135, 140, 145}
	for beyond, want := range map[int64][]int64{0: {10, 20, 30, 40, 50, 60, 70, 80, 90, 100}, 70: {80, 90, 100}, 100: nil} {
		gotHeld, gotNamed, err := h.WaveIDs(t.Context(), beyond)
		if err != nil || !slices.Equal(gotHeld, want) || !slices.Equal(gotNamed, named) {
			t.Errorf("beyond %d: %v and %v (%v), want %v and %v", beyond, gotHeld, gotNamed, err, want, named)
		}
	}
	if got, err := h.UnsettledWaves(t.Context(), day.AddDate(0, 0, 9)); err != nil || !slices.Equal(slices.Sorted(slices.Values(got)), []int64{30, 90, 100}) {
		t.Errorf("unsettled: %v (%v)", got, err)
	}
}

// A database that turns out to be damaged is asked once, and then what stands in for it.
func TestHoldingsOfADamagedDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "analytics.duckdb")
	if err := held(t, path).Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const block = 256 << 10
	for at := 3*4096 + 100; at < len(content); at += block { // but what is read at the opening
		content[at] ^= 0x40
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		var failures []error
		open := func(ctx context.Context, failed error) (*database.DB, error) {
			if failed == nil {
				if db, err := database.OpenReadOnly(ctx, path, database.Limits{}); err == nil {
					return db, nil
				}
			}
			failures = append(failures, failed)
			return held(t, ""), nil
		}
		h := streams.NewHoldings(open, nil)
		if got, err := h.UnsettledWaves(t.Context(), time.Date(2026, 1, 10, 0, 0, 0, 0, time.UTC)); err != nil || len(got) != 3 {
			t.Errorf("a flipped byte at %d: %v (%v)", at, got, err)
		}
		if len(failures) > 1 || len(failures) == 1 && failures[0] != nil && !database.Damaged(failures[0]) {
			t.Errorf("a flipped byte at %d: failed by %v", at, errors.Join(failures...))
		}
		h.Close()
		content[at] ^= 0x40
	}
}
