package database_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"

	"nightjar/load/database"
)

// A load of more than a few megabytes must not be written twice, and a text key is
// not worth the time to compress it.
func TestLoadGoesStraightToTheFile(t *testing.T) {
	const rows = 300_000
	records := table(column("id", arrow.BinaryTypes.String, "Identifier"), column("name", arrow.BinaryTypes.String, "Name"))
	parquet := writeParquet(t, fmt.Sprintf("SELECT uuid()::VARCHAR AS id, 'name ' || i %% 10 AS name FROM range(%d) r(i)", rows))
	path := filepath.Join(t.TempDir(), "analytics.duckdb")
	db := open(t, path)
	if err := db.Fill(t.Context(), []database.Contents{{Table: records, Files: []string{parquet}}}); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path + ".wal"); err == nil && info.Size() > 1<<20 {
		t.Errorf("%d bytes went through the write-ahead log", info.Size())
	}
	if n, err := db.Rows(t.Context(), records); err != nil || n != rows {
		t.Errorf("%d rows (%v), want %d", n, err, rows)
	}
	for column, want := range map[string]bool{"id": true, "name": false} {
		var asItIs bool
		query := "SELECT bool_and(compression = 'Uncompressed') FROM pragma_storage_info('vendor.records') WHERE segment_type = 'VARCHAR' AND column_name = " + database.Text(column)
		if err := db.Scalar(t.Context(), query, &asItIs); err != nil || asItIs != want {
			t.Errorf("column %s is left as it is: %v (%v), want %v", column, asItIs, err, want)
		}
	}
	if _, err := db.Compare(t.Context(), records, []string{parquet}); err != nil {
		t.Error(err)
	}
	if err := db.Finish(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestTogetherIsAllOrNothing(t *testing.T) {
	made := table(column("id", arrow.BinaryTypes.String, "Identifier"))
	db := open(t, "")
	defer db.Close()
	broken := errors.New("broken")
	err := db.Together(t.Context(), func() error {
		return errors.Join(db.Create(t.Context(), made), broken)
	})
	if !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
	if has, err := db.Has(t.Context(), made); err != nil || has {
		t.Errorf("the table is there: %v (%v)", has, err)
	}
	if err := db.Together(t.Context(), func() error { return db.Create(t.Context(), made) }); err != nil {
		t.Error(err)
	}
	if has, err := db.Has(t.Context(), made); err != nil || !has {
		t.Errorf("the table is there: %v (%v)", has, err)
	}
}

// Update removes the rows that left, replaced ones included, and appends those of the
// delta; either file may be all there is.
func TestUpdate(t *testing.T) {
	records := table(column("id", arrow.BinaryTypes.String, "Identifier"), column("size", arrow.PrimitiveTypes.Int64, "Size"))
	first := writeParquet(t, "SELECT 'r' || i AS id, i AS size FROM range(10) r(i)")
	delta := writeParquet(t, "SELECT 'r' || i AS id, 100 * i AS size FROM range(8, 12) r(i)")
	left := writeParquet(t, "SELECT 'r' || i AS id, i AS size FROM range(10) r(i) WHERE i IN (2, 3, 8, 9)")
	later := writeParquet(t, "SELECT 'r' || i AS id, i AS size FROM range(5, 6) r(i)")
	want := writeParquet(t, "SELECT 'r' || i AS id, CASE WHEN i < 8 THEN i ELSE 100 * i END AS size FROM range(12) r(i) WHERE i NOT IN (2, 3, 5)")
	db := open(t, "")
	defer db.Close()
	if err := db.Fill(t.Context(), []database.Contents{{Table: records, Files: []string{first}}}); err != nil {
		t.Fatal(err)
	}
	if err := db.Together(t.Context(), func() error { return db.Update(t.Context(), records, delta, left) }); err != nil {
		t.Fatal(err)
	}
	if err := db.Together(t.Context(), func() error { return db.Update(t.Context(), records, "", later) }); err != nil {
		t.Fatal(err)
	}
	if n, err := db.Compare(t.Context(), records, []string{want}); err != nil || n != 9 {
		t.Errorf("%d rows (%v), want 9", n, err)
	}
}

func open(t *testing.T, path string) *database.DB {
	t.Helper()
	db, err := database.Open(t.Context(), path, database.Limits{Folder: os.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// writeParquet writes what a query returns to a Parquet file.
func writeParquet(t *testing.T, query string) string {
	t.Helper()
	db := open(t, "")
	defer db.Close()
	path := filepath.Join(t.TempDir(), "data.parquet")
	if err := db.Exec(t.Context(), fmt.Sprintf("COPY (%s) TO %s (FORMAT parquet)", query, database.Text(path))); err != nil {
		t.Fatal(err)
	}
	return path
}
