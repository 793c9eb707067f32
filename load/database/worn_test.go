package database_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"

	"nightjar/load"
	"nightjar/load/database"
)

// nightly is how many rows a night adds.
const nightly = 3000

// history is a table that grows and changes from night to night, in a database that is
// updated, and rebuilt where it is worn.
type history struct {
	t     *testing.T
	dir   string
	table load.Table
	truth *database.DB // table truth: i, v
	rows  int
	built int // times afresh
}

// write writes rows of the truth as Parquet, in the order of partitions.
func (h *history) write(name, where string) string {
	h.t.Helper()
	path := filepath.Join(h.dir, name)
	h.exec(h.truth, fmt.Sprintf(`COPY (SELECT md5(i::VARCHAR) AS id, DATE '2025-01-01' + (i // 3000)::INTEGER AS day, (hash(i, v) >> 1)::BIGINT AS size
		FROM truth WHERE %s ORDER BY day, id) TO %s (FORMAT parquet)`, where, database.Text(path)))
	return path
}

func (h *history) exec(db *database.DB, statements ...string) {
	h.t.Helper()
	for _, s := range statements {
		if err := db.Exec(h.t.Context(), s); err != nil {
			h.t.Fatal(err)
		}
	}
}

// fresh builds a file anew, and returns its size.
func (h *history) fresh(name string) int64 {
	h.t.Helper()
	path := filepath.Join(h.dir, name)
	if err := os.RemoveAll(path); err != nil {
		h.t.Fatal(err)
	}
	db := open(h.t, path)
	if err := db.Fill(h.t.Context(), []database.Contents{{Table: h.table, Files: []string{h.write("all.parquet", "true")}}}); err != nil {
		h.t.Fatal(err)
	}
	h.mart(db)
	return h.size(path)
}

// mart makes a table anew, as some are each night, and closes the file.
func (h *history) mart(db *database.DB) {
	h.t.Helper()
	h.exec(db, "CREATE OR REPLACE TABLE vendor.mart AS SELECT day, count(*) AS n, sum(size) AS total FROM vendor.records GROUP BY day")
	if err := db.Finish(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
}

func (h *history) size(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		h.t.Fatal(err)
	}
	return info.Size()
}

// night adds a day of rows, and changes those that a condition picks.
func (h *history) night(path, changed string) {
	h.t.Helper()
	h.exec(h.truth, fmt.Sprintf("CREATE OR REPLACE TEMP TABLE changed AS SELECT i FROM truth WHERE %s", changed))
	left := h.write("left.parquet", "i IN (FROM changed)")
	h.exec(h.truth, "UPDATE truth SET v = v + 1 WHERE i IN (FROM changed)",
		fmt.Sprintf("INSERT INTO truth SELECT i, 0 FROM range(%d, %d) r(i)", h.rows, h.rows+nightly))
	var gone int
	if err := h.truth.Scalar(h.t.Context(), "SELECT count(*) FROM changed", &gone); err != nil {
		h.t.Fatal(err)
	}
	db := open(h.t, path)
	worn, err := db.Worn(h.t.Context(), int64(h.rows-gone))
	if err != nil {
		h.t.Fatal(err)
	}
	if worn {
		db.Close()
		h.rows += nightly
		h.built++
		h.fresh(filepath.Base(path))
		return
	}
	delta := h.write("delta.parquet", fmt.Sprintf("i >= %d OR i IN (FROM changed)", h.rows))
	if err := db.Together(h.t.Context(), func() error { return db.Update(h.t.Context(), h.table, delta, left) }); err != nil {
		h.t.Fatal(err)
	}
	h.rows += nightly
	h.mart(db)
}

// A file that is updated for a hundred nights stays about as large as a fresh one, and
// is hardly ever built afresh for it, also where a night changes much of what is old.
func TestAHundredNights(t *testing.T) {
	nights := 100
	if testing.Short() {
		nights = 20
	}
	h := &history{t: t, dir: t.TempDir(), truth: open(t, ""), rows: 300_000,
		table: table(column("id", arrow.BinaryTypes.String, "Identifier"), column("day", arrow.FixedWidthTypes.Date32, "Day"), column("size", arrow.PrimitiveTypes.Int64, "Size"))}
	defer h.truth.Close()
	h.exec(h.truth, fmt.Sprintf("CREATE TABLE truth AS SELECT i, 0 AS v FROM range(%d) r(i)", h.rows))
	path := filepath.Join(h.dir, "analytics.duckdb")
	h.fresh(filepath.Base(path))
	for n := range nights {
		changed := fmt.Sprintf("i >= %d AND hash(i, %d) %% 10 = 0 OR hash(i, %d) %% 2000 = 0", h.rows-3*nightly, n, n) // the lookback, and here and there
		if n%10 == 5 {
			changed = fmt.Sprintf("hash(i, %d) %% 8 = 0", n)
		}
		h.night(path, changed)
		if n%20 != 19 {
			continue
		}
		have, want := h.size(path), h.fresh("fresh.duckdb")
		t.Logf("night %d: %d rows, %.1f MB, %.2f of a fresh file, %d times afresh", n+1, h.rows, float64(have)/1e6, float64(have)/float64(want), h.built)
		if float64(have) > 1.3*float64(want)+float64(24<<20) {
			t.Errorf("night %d: the file has %d bytes, and a fresh one %d", n+1, have, want)
		}
	}
	if h.built > nights/5 {
		t.Errorf("built afresh %d times in %d nights", h.built, nights)
	}
	db := open(t, path)
	defer db.Close()
	if n, err := db.Compare(t.Context(), h.table, []string{h.write("all.parquet", "true")}); err != nil || n != int64(h.rows) {
		t.Errorf("%d rows (%v), want %d", n, err, h.rows)
	}
}
