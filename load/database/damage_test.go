package database_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"

	"nightjar/load"
	"nightjar/load/database"
)

// A byte that has flipped anywhere in the file is found by who compares its tables with
// the Parquet, or no reader sees a difference. It is an error that says of itself that
// the file is damaged, never other rows.
func TestAFlippedByteIsFound(t *testing.T) {
	records := table(column("id", arrow.BinaryTypes.String, "Identifier"), column("size", arrow.PrimitiveTypes.Int64, "Size"))
	parquet := writeParquet(t, "SELECT md5(i::VARCHAR) AS id, (hash(i) >> 1)::BIGINT AS size FROM range(40000) r(i)")
	path := filepath.Join(t.TempDir(), "analytics.duckdb")
	db := open(t, path)
	if err := db.Fill(t.Context(), []database.Contents{{Table: records, Files: []string{parquet}}}); err != nil {
		t.Fatal(err)
	}
	if err := db.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	const header, block = 3 * 4096, 256 << 10
	places := []int{100, 4096 + 16, 2*4096 + 16}
	for at := header; at < len(whole); at += block {
		places = append(places, at+9, at+block/3, at+block-5)
	}
	for _, at := range places {
		damaged := append([]byte(nil), whole...)
		damaged[at] ^= 0x40
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := compare(t, path, records, parquet); err != nil {
			found++
			if !database.Damaged(err) {
				t.Errorf("a flipped byte at %d is told as %v", at, err)
			}
		}
	}
	if found < len(places)/2 {
		t.Errorf("%d of %d flipped bytes are found", found, len(places))
	}
}

// compare opens a database and compares a table of it.
func compare(t *testing.T, path string, records load.Table, parquet string) error {
	t.Helper()
	db, err := database.OpenReadOnly(t.Context(), path, database.Limits{Folder: os.TempDir()})
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.Compare(t.Context(), records, []string{parquet})
	return err
}
