package transform

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
)

// Dictionary writes the data dictionary in Markdown: every table and mart, each
// column with its DuckDB type, unit, vendor field and class of personal data.
func Dictionary(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintln(b, "# Data dictionary")
	fmt.Fprintln(b)
	fmt.Fprintln(b, "Tables and columns as they are in DuckDB and Parquet. Instants are in UTC with microseconds; a column that")
	fmt.Fprintln(b, "ends in `_date` is the business day. The class says what personal data a column may hold.")
	fmt.Fprintln(b, "\n## Vendor tables")
	for _, t := range Tables() {
		writeTable(b, t)
	}
	fmt.Fprintln(b, "\n## Tables about the runs")
	for _, t := range []Table{Runs(), Reconciliation(), Rejects(), Bookmarks()} {
		writeTable(b, t)
	}
	fmt.Fprintln(b, "\n## Marts")
	fmt.Fprintln(b, "\nPercentages run from 0 to 100. A division by zero is NULL.")
	for _, m := range Marts() {
		writeMart(b, m)
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("write data dictionary: %w", err)
	}
	return nil
}

func writeTable(w io.Writer, t Table) {
	fmt.Fprintf(w, "\n### `%s`\n\n%s. Key: %s.\n\n", t.Full(), t.Comment, code(t.Key))
	fmt.Fprintln(w, "| column | type | meaning | unit | vendor field | class |")
	fmt.Fprintln(w, "| --- | --- | --- | --- | --- | --- |")
	for _, c := range t.Columns {
		fmt.Fprintf(w, "| `%s` | %s | %s | %s | %s | %s |\n", c.Name, duckType(c.Type), c.Comment, c.Unit, c.Vendor, c.Class)
	}
}

func writeMart(w io.Writer, m Mart) {
	fmt.Fprintf(w, "\n### `%s`\n\n%s. Grain: %s.\n\n", m.Full(), m.Comment, code(m.Grain))
	fmt.Fprintln(w, "| column | type | meaning | unit |")
	fmt.Fprintln(w, "| --- | --- | --- | --- |")
	for _, c := range m.Columns {
		fmt.Fprintf(w, "| `%s` | %s | %s | %s |\n", c.Name, duckType(c.Type), c.Comment, c.Unit)
	}
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
