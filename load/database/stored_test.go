package database_test

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/google/go-cmp/cmp"

	"nightjar/load"
	"nightjar/load/database"
	"nightjar/load/partition"
)

// identified is a column with a field id.
func identified(id int, name string, kind arrow.DataType) arrow.Field {
	return arrow.Field{Name: name, Type: kind, Nullable: true, Metadata: arrow.NewMetadata([]string{"PARQUET:field_id"}, []string{strconv.Itoa(id)})}
}

func listOf(kind arrow.DataType) arrow.DataType {
	return arrow.ListOfField(identified(2003, "element", kind))
}

var (
	text, whole = arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int64

	id     = identified(1, "id", text)
	size   = identified(2, "size", whole)
	tags   = identified(3, "tags", listOf(text))
	amount = identified(4, "amount", &arrow.Decimal128Type{Precision: 18, Scale: 4})
	day    = identified(5, "day", arrow.FixedWidthTypes.Date32)
	at     = identified(6, "at", arrow.FixedWidthTypes.Timestamp_us)
	score  = identified(7, "score", arrow.PrimitiveTypes.Int8)
	ratio  = identified(8, "ratio", arrow.PrimitiveTypes.Float64)
	done   = identified(9, "done", arrow.FixedWidthTypes.Boolean)
	older  = identified(2, "length", whole) // size, as it was called
	gone   = identified(12, "gone", whole)
)

// writeTable writes what a query returns as a table's Parquet file.
func writeTable(t *testing.T, of load.Table, query string) string {
	t.Helper()
	db := open(t, "")
	defer db.Close()
	path := filepath.Join(t.TempDir(), "data.parquet")
	mart := load.Mart{Table: of, Query: query}
	if _, err := db.Compute(t.Context(), []database.Work{{Mart: mart, Path: path}}); err != nil {
		t.Fatal(err)
	}
	return path
}

// texts are the rows of a query.
func texts(t *testing.T, db *database.DB, query string) []string {
	t.Helper()
	rows, err := db.Query(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// Files of several versions are one table: columns go by field id, and are null where
// a file lacks them.
func TestFilesOfSeveralVersions(t *testing.T) {
	first := writeTable(t, table(gone, id, older, tags), "SELECT 5, 'first', 1, ['a', NULL]")
	second := writeTable(t, table(id, size), "SELECT 'second', 2")
	today := table(id, amount, day, at, score, ratio, done, tags, size)
	third := writeTable(t, today, "SELECT 'third', 1.5, DATE '2026-03-01', TIMESTAMPTZ '2026-03-01 12:00:00+00', 3, 0.5, true, ['c'], 3")
	files := []string{first, second, third}
	want := []string{
		"{'id': first, 'amount': NULL, 'day': NULL, 'at': NULL, 'score': NULL, 'ratio': NULL, 'done': NULL, 'tags': [a, NULL], 'size': 1}",
		"{'id': second, 'amount': NULL, 'day': NULL, 'at': NULL, 'score': NULL, 'ratio': NULL, 'done': NULL, 'tags': NULL, 'size': 2}",
		"{'id': third, 'amount': 1.5000, 'day': 2026-03-01, 'at': '2026-03-01 12:00:00+00', 'score': 3, 'ratio': 0.5, 'done': true, 'tags': [c], 'size': 3}",
	}
	const all = "SELECT r::VARCHAR FROM vendor.records r ORDER BY id"

	filled, viewed := open(t, ""), open(t, "")
	defer filled.Close()
	defer viewed.Close()
	if err := filled.Fill(t.Context(), []database.Contents{{Table: today, Files: files}}); err != nil {
		t.Fatal(err)
	}
	if err := viewed.View(t.Context(), today, files); err != nil {
		t.Fatal(err)
	}
	for name, db := range map[string]*database.DB{"filled": filled, "viewed": viewed} {
		if diff := cmp.Diff(want, texts(t, db, all)); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
	for condition, want := range map[string][]string{
		"amount IS NULL":         {"first", "second"},
		"amount IS NOT NULL":     {"third"},
		"amount > 1":             {"third"},
		"day < '2027-01-01'":     {"third"},
		"size >= 2":              {"second", "third"},
		"size < 2 AND NOT done":  nil,
		"tags IS NULL":           {"second"},
		"len(tags) = 2":          {"first"},
		"coalesce(score, 9) = 9": {"first", "second"},
	} {
		if diff := cmp.Diff(want, texts(t, viewed, "SELECT id FROM vendor.records WHERE "+condition+" ORDER BY id")); diff != "" {
			t.Errorf("where %s: -want +got\n%s", condition, diff)
		}
	}
	if n, err := viewed.Rows(t.Context(), today); err != nil || n != 3 {
		t.Errorf("viewed: %d rows, %v", n, err)
	}
	if n, err := filled.Compare(t.Context(), today, files); err != nil || n != 3 {
		t.Errorf("compared: %d, %v", n, err)
	}
	if err := filled.Exec(t.Context(), "UPDATE vendor.records SET amount = 1 WHERE id = 'first'"); err != nil {
		t.Fatal(err)
	}
	if _, err := filled.Compare(t.Context(), today, files); err == nil {
		t.Error("a value that no file has is not found")
	}
}

// A database of an earlier version is compared by the columns that it was made with.
func TestCompareWithAnotherVersion(t *testing.T) {
	made := table(gone, older, id)
	file := writeTable(t, made, "SELECT 5, 1, 'first'")
	for name, c := range map[string]struct {
		today load.Table
		wrong string // a statement that makes the database another; empty for none
	}{
		"the same":                         {today: made},
		"a column more":                    {today: table(gone, older, tags, id)},
		"a column less":                    {today: table(older, id)},
		"another name":                     {today: table(size, id)},
		"a name that was another column's": {today: table(id, size, identified(20, "length", text))},
		"a value changed":                  {table(amount, size, id), "UPDATE vendor.records SET length = 2"},
		"a column lost":                    {table(size, id), "ALTER TABLE vendor.records DROP COLUMN length"},
		"the table lost":                   {table(size, id), "DROP TABLE vendor.records"},
	} {
		t.Run(name, func(t *testing.T) {
			db := open(t, "")
			defer db.Close()
			if err := db.Fill(t.Context(), []database.Contents{{Table: made, Files: []string{file}}}); err != nil {
				t.Fatal(err)
			}
			if c.wrong != "" {
				if err := db.Exec(t.Context(), c.wrong); err != nil {
					t.Fatal(err)
				}
			}
			n, err := db.Compare(t.Context(), c.today, []string{file})
			if c.wrong == "" && (err != nil || n != 1) {
				t.Errorf("%d rows, %v", n, err)
			}
			if c.wrong != "" && err == nil {
				t.Error("it is not found")
			}
		})
	}
	db := open(t, "")
	defer db.Close()
	if n, err := db.Compare(t.Context(), made, nil); err != nil || n != 0 {
		t.Errorf("a table of a later version: %d rows, %v", n, err)
	}
}

func TestFilesThatDoNotFit(t *testing.T) {
	file := writeTable(t, table(id, size), "SELECT 'first', 1")
	lists := filepath.Join(t.TempDir(), "data.parquet")
	if _, err := partition.WriteEmpty(lists, table(id, identified(3, "tags", listOf(whole)))); err != nil {
		t.Fatal(err)
	}
	required := identified(20, "kept", text)
	required.Nullable = false
	for name, c := range map[string]struct {
		today load.Table
		file  string
		want  string
	}{
		"another type":          {table(id, identified(2, "size", text)), file, "column size was written as BIGINT and is VARCHAR now"},
		"a list now":            {table(id, identified(2, "size", listOf(text))), file, "column size was written as BIGINT and is LIST now"},
		"lists of another type": {table(id, tags), lists, "column tags was written as BIGINT and is VARCHAR now"},
		"what no row may lack":  {table(id, size, required), file, "column kept is not in all that was written"},
		"a file without any id": {table(id, required), writeParquet(t, "SELECT 'a' AS id, 'b' AS kept"), "column kept is not in all that was written"},
	} {
		t.Run(name, func(t *testing.T) {
			db := open(t, "")
			defer db.Close()
			err := db.View(t.Context(), c.today, []string{c.file})
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "vendor.records") || !strings.Contains(err.Error(), "`etl replay`") {
				t.Errorf("got %v, want %q, the table and what mends it", err, c.want)
			}
		})
	}
}

// What the partitions are written with is taken as it is.
func TestPartitionsFit(t *testing.T) {
	all := table(id, size, tags, amount, day, at, score, ratio, done)
	var files []string
	for i := range 3 {
		path := filepath.Join(t.TempDir(), fmt.Sprint(i), "data.parquet")
		if _, err := partition.WriteEmpty(path, all); err != nil {
			t.Fatal(err)
		}
		files = append(files, path)
	}
	db := open(t, "")
	defer db.Close()
	if err := db.View(t.Context(), all, files); err != nil {
		t.Fatal(err)
	}
	made := texts(t, db, "SELECT sql FROM duckdb_views() WHERE view_name = 'records'")
	if len(made) != 1 || strings.Contains(made[0], "schema") {
		t.Errorf("the files are read as those of another version: %v", made)
	}
}

// Answers looks at names and types only.
func TestAnswers(t *testing.T) {
	db := open(t, "")
	defer db.Close()
	if err := db.Create(t.Context(), table(column("id", text, "Identifier"), column("size", whole, "Size"))); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		asked load.Table
		want  bool
	}{
		"another order":   {table(column("size", whole, ""), column("id", text, "")), true},
		"a column less":   {table(column("id", text, "")), true},
		"a column more":   {table(column("id", text, ""), column("size", whole, ""), column("name", text, "")), false},
		"another type":    {table(column("size", text, "")), false},
		"another comment": {table(column("size", whole, "Size in bytes")), true},
		"another table":   {load.Table{Schema: "vendor", Name: "things", Arrow: arrow.NewSchema([]arrow.Field{id}, nil)}, false},
	} {
		if got, err := db.Answers(t.Context(), c.asked); err != nil || got != c.want {
			t.Errorf("%s: %v, %v; want %v", name, got, err, c.want)
		}
	}
}
