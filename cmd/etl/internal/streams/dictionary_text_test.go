package streams_test

import (
	"bytes"
	_ "embed"
	"fmt"
	"io"
	"slices"
	"strings"

	"nightjar/load/database"
	"nightjar/transform"
)

// dictionaryGuide is the part of the dictionary that no definition holds: where
// the data lies, how to read it, what the measures mean.
//
//go:embed dictionary.md
var dictionaryGuide string

// dictionary is the data dictionary in Markdown: how to read the warehouse, then
// every mart, the tables of the vendors and those about the runs, each column with its
// DuckDB type, unit, vendor field and class of personal data.
func dictionary() []byte {
	b := bytes.NewBufferString(dictionaryGuide)
	fmt.Fprint(b, "\n## Marts\n\nComputed from the vendor tables by each run; one Parquet file each.\n")
	for _, m := range transform.Marts() {
		writeMart(b, m)
	}
	fmt.Fprint(b, "\n## Vendor tables\n\nOne row per record, in its newest version.\n")
	for _, t := range vendorTables() {
		writeTable(b, t)
	}
	fmt.Fprint(b, "\n## Tables about the runs\n\nWhat each run did, how complete it was, and what could not become a row.\n")
	for _, t := range []transform.Table{transform.Runs(), transform.Reconciliation(), transform.Rejects(), transform.Bookmarks(), transform.SurveyChannels(), transform.FinalDays()} {
		writeTable(b, t)
	}
	return b.Bytes()
}

func writeTable(w io.Writer, t transform.Table) {
	fmt.Fprintf(w, "\n### `%s`\n\n%s. Key: %s.\n\n", t.Full(), t.Comment, code(t.Key))
	if !slices.ContainsFunc(t.Columns, func(c transform.Column) bool { return c.Vendor != "" }) {
		writeRow(w, "column", "type", "meaning", "unit", "personal data")
		writeRow(w, "---", "---", "---", "---", "---")
		for _, c := range t.Columns {
			writeRow(w, code([]string{c.Name}), database.Type(c.Type), c.Comment, c.Unit, string(c.Class))
		}
		return
	}
	writeRow(w, "column", "type", "meaning", "unit", "vendor field", "personal data")
	writeRow(w, "---", "---", "---", "---", "---", "---")
	for _, c := range t.Columns {
		writeRow(w, code([]string{c.Name}), database.Type(c.Type), c.Comment, c.Unit, c.Vendor, string(c.Class))
	}
}

func writeMart(w io.Writer, m transform.Mart) {
	fmt.Fprintf(w, "\n### `%s`\n\n%s. Grain: %s.\n\n", m.Full(), m.Comment, code(m.Grain))
	writeRow(w, "column", "type", "meaning", "unit")
	writeRow(w, "---", "---", "---", "---")
	for _, c := range m.Columns {
		writeRow(w, code([]string{c.Name}), database.Type(c.Type), c.Comment, c.Unit)
	}
}

func writeRow(w io.Writer, cells ...string) {
	fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | "))
}

func code(names []string) string { return "`" + strings.Join(names, "`, `") + "`" }
