package marts_test

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	_ "github.com/marcboeker/go-duckdb/v2"

	"nightjar/transform"
)

var duckTypes = map[string]string{
	"utf8": "VARCHAR", "int64": "BIGINT", "int8": "TINYINT", "float64": "DOUBLE", "bool": "BOOLEAN", "date32": "DATE",
	"timestamp[us, tz=UTC]": "TIMESTAMPTZ", "decimal(18, 4)": "DECIMAL(18,4)", "decimal(38, 4)": "DECIMAL(38,4)",
	"list of utf8": "VARCHAR[]", "list of int64": "BIGINT[]",
}

// open returns a database with the vendor tables that the marts read, empty, and what the
// configuration says.
func open(t *testing.T) *sql.DB { return openAt(t, "") }

func openAt(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("duckdb", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(1) // settings belong to a connection
	for _, table := range slices.Concat(transform.ClosedConversations().Tables, transform.Calls().Tables, transform.Waves().Tables, transform.Messages().Tables,
		[]transform.Table{transform.SurveyChannels(), transform.FinalDays()}) {
		var columns []string
		for _, c := range table.Columns {
			kind := c.Type.String()
			if list, ok := c.Type.(*arrow.ListType); ok {
				kind = "list of " + list.Elem().String()
			}
			columns = append(columns, c.Name+" "+duckTypes[kind])
		}
		run(t, db, "CREATE SCHEMA IF NOT EXISTS "+table.Schema)
		run(t, db, fmt.Sprintf("CREATE TABLE %s (%s)", table.Full(), strings.Join(columns, ", ")))
	}
	run(t, db, "SET TimeZone = 'UTC'")
	run(t, db, "INSERT INTO etl.survey_channels VALUES ('csat', 0, NULL, 'CHAT', NULL), ('csat', 1, NULL, 'WHATSAPP', NULL), ('nps', 0, NULL, 'CHAT', NULL)")
	run(t, db, `INSERT INTO etl.final_through VALUES ('conversations', '2026-11-17'), ('revenue', '2026-11-17'), ('waves', '2026-11-16'),
		('messages', '2026-11-17'), ('calls', '2026-11-17')`)
	return db
}

func run(t *testing.T, db *sql.DB, statement string, args ...any) {
	t.Helper()
	if _, err := db.Exec(statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// query runs a mart and returns its rows as text, values with two decimals.
func query(t *testing.T, db *sql.DB, name string) []string {
	t.Helper()
	var lines []string
	for _, row := range values(t, db, name) {
		fields := make([]string, len(row))
		for i, v := range row {
			fields[i] = show(v)
		}
		lines = append(lines, strings.Join(fields, " "))
	}
	return lines
}

func show(v any) string {
	switch v := v.(type) {
	case nil:
		return "-"
	case time.Time:
		return v.Format(time.DateOnly)
	case float64:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprint(v)
}

func values(t *testing.T, db *sql.DB, name string) [][]any {
	t.Helper()
	m := mart(t, name)
	rows, err := db.Query("SELECT * REPLACE (" + replaced(m) + ") FROM (" + m.Query + "\n)")
	if err != nil {
		t.Fatalf("mart %s: %v", name, err)
	}
	defer rows.Close()
	var all [][]any
	for rows.Next() {
		row := make([]any, len(m.Columns))
		into := make([]any, len(row))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		all = append(all, row)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// replaced turns decimals into text, which shows them exactly.
func replaced(m transform.Mart) string {
	for _, c := range m.Columns {
		if c.Name == "amount" {
			return "amount::VARCHAR AS amount"
		}
	}
	return m.Columns[0].Name + " AS " + m.Columns[0].Name
}

func mart(t *testing.T, name string) transform.Mart {
	t.Helper()
	for _, m := range transform.Marts() {
		if m.Name == name {
			return m
		}
	}
	t.Fatalf("no mart %s", name)
	return transform.Mart{}
}
