package streams_test

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"nightjar/cmd/etl/internal/streams"
	"nightjar/transform"
)

var snake = regexp.MustCompile(`^_?[a-z][a-z0-9]*(_[a-z0-9]+)*$`)

// vendorTables are the tables of every stream.
func vendorTables() []transform.Table {
	var all []transform.Table
	for _, s := range streams.All() {
		all = append(all, s.Tables...)
	}
	return all
}

func every() []transform.Table {
	return append(vendorTables(), transform.Rejects(), transform.Runs(), transform.Reconciliation(), transform.Bookmarks(), transform.SurveyChannels(), transform.FinalDays())
}

func TestTables(t *testing.T) {
	names := map[string]bool{}
	for _, table := range every() {
		if names[table.Full()] {
			t.Errorf("two tables are called %s", table.Full())
		}
		names[table.Full()] = true
		if table.Comment == "" || strings.HasSuffix(table.Comment, ".") {
			t.Errorf("%s: comment %q", table.Full(), table.Comment)
		}
		checkColumns(t, table.Full(), table.Columns, table.Key)
	}
	for _, m := range transform.Marts() {
		checkColumns(t, m.Full(), m.Columns, m.Grain)
	}
}

func checkColumns(t *testing.T, table string, columns []transform.Column, key []string) {
	t.Helper()
	ids, names := map[int]bool{}, map[string]bool{}
	for _, c := range columns {
		if c.ID <= 0 || ids[c.ID] || names[c.Name] {
			t.Errorf("%s.%s: id %d or name is not unique", table, c.Name, c.ID)
		}
		ids[c.ID], names[c.Name] = true, true
		if !snake.MatchString(c.Name) || c.Comment == "" || strings.HasSuffix(c.Comment, ".") || strings.ContainsAny(c.Comment, "|\n") {
			t.Errorf("%s.%s: comment %q", table, c.Name, c.Comment)
		}
	}
	for _, k := range key {
		if !names[k] {
			t.Errorf("%s: key %s is no column", table, k)
		}
	}
}

// A writer needs no more than the schema.
func TestSchemas(t *testing.T) {
	for _, table := range every() {
		schema := table.Arrow()
		for i, f := range schema.Fields() {
			c := table.Columns[i]
			id, _ := f.Metadata.GetValue(transform.MetaFieldID)
			comment, _ := f.Metadata.GetValue(transform.MetaComment)
			class, _ := f.Metadata.GetValue(transform.MetaClass)
			if id != strconv.Itoa(c.ID) || !strings.HasPrefix(comment, c.Comment) || class != string(c.Class) {
				t.Errorf("%s.%s: metadata %v", table.Full(), c.Name, f.Metadata)
			}
			required := slices.Contains(table.Key, c.Name) || c.Name == "_extracted_at" || c.Name == "_page"
			if f.Nullable == required {
				t.Errorf("%s.%s: nullable is %v", table.Full(), c.Name, f.Nullable)
			}
			if c.Name == "_page" && i != schema.NumFields()-1 {
				t.Errorf("%s: _page is not the last column", table.Full())
			}
		}
		rows := table.Rows()
		last := rows.Field(rows.NumFields() - 1)
		if rows.NumFields() != schema.NumFields()+1 || last.Name != transform.BusinessDate || !last.Nullable || last.Type.ID() != arrow.DATE32 {
			t.Errorf("%s: rows end with %v", table.Full(), last)
		}
	}
}

// Every stream has tables and a decoder, and every table belongs to one stream.
func TestStreams(t *testing.T) {
	of := map[string]string{}
	for _, s := range streams.All() {
		if len(s.Tables) == 0 {
			t.Errorf("%s/%s has no table", s.Source, s.Name)
		}
		for _, table := range s.Tables {
			if of[table.Full()] != "" {
				t.Errorf("%s is a table of %s and of %s", table.Full(), of[table.Full()], s.Ref())
			}
			of[table.Full()] = s.Ref().String()
		}
		if _, err := s.NewDecoder(transform.Options{Location: time.UTC}); err != nil {
			t.Errorf("%s: %v", s.Ref(), err)
		}
	}
}

func TestDictionary(t *testing.T) {
	text := string(dictionary())
	for _, want := range []string{
		"### `iadvize.conversations`",
		"| `amount` | DECIMAL(18,4) | Amount, exact to four decimals; further ones are rounded half to even | currency | Transaction.amount | none |",
		"| `content` | VARCHAR | Text of the note |  | Note.content | free text |",
		"| `user_ids` | BIGINT[] |",
		"### `etl.reconciliation`",
		"### `marts.csat_daily`",
		"| `csat_pct` | DOUBLE | satisfied ÷ answers | % |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the dictionary lacks %q", want)
		}
	}
}
