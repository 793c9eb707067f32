package transform

import (
	"bufio"
	_ "embed"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
)

// dictionaryGuide is the part of the dictionary that no definition holds: where
// the data lies, how to read it, what the measures mean.
//
//go:embed dictionary.md
var dictionaryGuide string

// Dictionary writes the data dictionary in Markdown: how to read the warehouse,
// then every mart, the tables of the vendors and those about the runs, each column with its DuckDB type, unit, vendor field
// and class of personal data.
func Dictionary(w io.Writer, vendors []Table) error {
	b := bufio.NewWriter(w)
	b.WriteString(dictionaryGuide)
	fmt.Fprint(b, "\n## Marts\n\nComputed from the vendor tables by each run; one Parquet file each.\n")
	for _, m := range Marts() {
		writeMart(b, m)
	}
	fmt.Fprint(b, "\n## Vendor tables\n\nOne row per record, in its newest version.\n")
	for _, t := range vendors {
		writeTable(b, t)
	}
	fmt.Fprint(b, "\n## Tables about the runs\n\nWhat each run did, how complete it was, and what could not become a row.\n")
	for _, t := range []Table{Runs(), Reconciliation(), Rejects(), Bookmarks()} {
		writeTable(b, t)
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("write data dictionary: %w", err)
	}
	return nil
}

func writeTable(w io.Writer, t Table) {
	fmt.Fprintf(w, "\n### `%s`\n\n%s. Key: %s.\n\n", t.Full(), t.Comment, code(t.Key))
	if !slices.ContainsFunc(t.Columns, func(c Column) bool { return c.Vendor != "" }) {
		writeRow(w, "column", "type", "meaning", "unit", "personal data")
		writeRow(w, "---", "---", "---", "---", "---")
		for _, c := range t.Columns {
			writeRow(w, code([]string{c.Name}), duckType(c.Type), c.Comment, c.Unit, string(c.Class))
		}
		return
	}
	writeRow(w, "column", "type", "meaning", "unit", "vendor field", "personal data")
	writeRow(w, "---", "---", "---", "---", "---", "---")
	for _, c := range t.Columns {
		writeRow(w, code([]string{c.Name}), duckType(c.Type), c.Comment, c.Unit, c.Vendor, string(c.Class))
	}
}

func writeMart(w io.Writer, m Mart) {
	fmt.Fprintf(w, "\n### `%s`\n\n%s. Grain: %s.\n\n", m.Full(), m.Comment, code(m.Grain))
	writeRow(w, "column", "type", "meaning", "unit")
	writeRow(w, "---", "---", "---", "---")
	for _, c := range m.Columns {
		writeRow(w, code([]string{c.Name}), duckType(c.Type), c.Comment, c.Unit)
	}
}

func writeRow(w io.Writer, cells ...string) {
	fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | "))
}

func code(names []string) string { return "`" + strings.Join(names, "`, `") + "`" }

// duckType is the DuckDB name of a column's type.
func duckType(t arrow.DataType) string {
	switch t := t.(type) {
	case *arrow.StringType:
		return "VARCHAR"
	case *arrow.Int64Type:
		return "BIGINT"
	case *arrow.Int8Type:
		return "TINYINT"
	case *arrow.Float64Type:
		return "DOUBLE"
	case *arrow.BooleanType:
		return "BOOLEAN"
	case *arrow.Date32Type:
		return "DATE"
	case *arrow.TimestampType:
		return "TIMESTAMPTZ"
	case *arrow.Decimal128Type:
		return fmt.Sprintf("DECIMAL(%d,%d)", t.Precision, t.Scale)
	case *arrow.ListType:
		return duckType(t.Elem()) + "[]"
	}
	panic(fmt.Sprintf("no DuckDB name for the type %s", t))
}
