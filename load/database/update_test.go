package database_test

import (
	"testing"

	"github.com/apache/arrow/go/v17/arrow"

	"nightjar/load/database"
)

// Rows of any day leave, and those of none; others of the same days stay.
func TestRowsLeaveByTheirDay(t *testing.T) {
	records := table(column("id", arrow.BinaryTypes.String, "Identifier"), column("day", arrow.FixedWidthTypes.Date32, "Day"))
	const rows = "SELECT 'r' || i AS id, CASE WHEN i % 7 > 0 THEN DATE '2024-01-01' + (i // 3000)::INTEGER END AS day FROM range(400000) r(i)"
	all := writeParquet(t, rows)
	for name, leave := range map[string]string{
		"of one day": "i = 399999 OR i = 399995", "of days far apart": "i IN (1, 200002, 399995)",
		"of many days": "i % 1000 = 1", "of no day": "i IN (7, 350000)", "of some and of none": "i % 50000 < 9", "of a year before ours": "i = 400001",
	} {
		t.Run(name, func(t *testing.T) {
			db := open(t, "")
			defer db.Close()
			if err := db.Fill(t.Context(), []database.Contents{{Table: records, Files: []string{all}}}); err != nil {
				t.Fatal(err)
			}
			before := writeParquet(t, "SELECT 'r400001' AS id, DATE '0044-03-15 (BC)' AS day")
			if err := db.Insert(t.Context(), records, []string{before}); err != nil {
				t.Fatal(err)
			}
			numbered := "SELECT *, substr(id, 2)::BIGINT AS i FROM (" + rows + " UNION ALL SELECT 'r400001', DATE '0044-03-15 (BC)')"
			left := writeParquet(t, "SELECT id, day FROM ("+numbered+") WHERE "+leave)
			want := writeParquet(t, "SELECT id, day FROM ("+numbered+") WHERE NOT ("+leave+")")
			if err := db.Update(t.Context(), records, "", left); err != nil {
				t.Fatal(err)
			}
			if _, err := db.Compare(t.Context(), records, []string{want}); err != nil {
				t.Error(err)
			}
		})
	}
}
