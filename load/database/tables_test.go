package database_test

import (
	"os"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"

	"nightjar/load"
	"nightjar/load/database"
)

// A database that a run brings up to date must be what today's definitions would
// make of the Parquet, down to the comments that people read.
func TestHas(t *testing.T) {
	text, whole := arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int64
	made := table(column("id", text, "Identifier"), column("size", whole, "Size"))
	db, err := database.Open(t.Context(), "", database.Limits{Folder: os.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Create(t.Context(), made); err != nil {
		t.Fatal(err)
	}
	other := load.Table{Schema: "vendor", Name: "others", Arrow: made.Arrow}
	if err := db.Create(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		asked string
		table load.Table
		want  bool
	}{
		{"the same", made, true},
		{"a column more", table(column("id", text, "Identifier"), column("size", whole, "Size"), column("name", text, "")), false},
		{"a column less", table(column("id", text, "Identifier")), false},
		{"another name", table(column("id", text, "Identifier"), column("length", whole, "Size")), false},
		{"another type", table(column("id", text, "Identifier"), column("size", text, "Size")), false},
		{"another comment", table(column("id", text, "Identifier"), column("size", whole, "Size in bytes")), false},
		{"another order", table(column("size", whole, "Size"), column("id", text, "Identifier")), false},
		{"another table", load.Table{Schema: "vendor", Name: "things", Arrow: made.Arrow}, false},
	} {
		if got, err := db.Has(t.Context(), other, c.table); err != nil || got != c.want {
			t.Errorf("%s: %v, %v; want %v", c.asked, got, err, c.want)
		}
	}
}

func table(columns ...arrow.Field) load.Table {
	return load.Table{Schema: "vendor", Name: "records", Key: []string{"id"}, Arrow: arrow.NewSchema(columns, nil)}
}

func column(name string, kind arrow.DataType, comment string) arrow.Field {
	return arrow.Field{Name: name, Type: kind, Metadata: arrow.NewMetadata([]string{"comment"}, []string{comment})}
}
