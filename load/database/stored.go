package database

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"nightjar/load"
)

// stored is what some Parquet files say of their columns. A file has those of the
// version that wrote it: a column is the one with its field id, whatever its name and
// place were.
type stored struct {
	files   int
	columns []storedColumn
}

// storedColumn is a column, or the element of a list, as some of the files have it.
type storedColumn struct {
	id         string
	name, kind string
	files      int    // that have it so
	file       string // one of them
}

// aList is the kind of a list, which says nothing of its elements.
const aList = "LIST"

// stored reads the footers of the files.
func (d *DB) stored(ctx context.Context, files []string) (stored, error) {
	s := stored{files: len(files)}
	rows, err := d.Query(ctx, fmt.Sprintf(`SELECT field_id::VARCHAR, name, coalesce(duckdb_type, %s), count(*), min(file_name)
		FROM parquet_schema(%s) WHERE field_id IS NOT NULL GROUP BY ALL`, Text(aList), Files(files)))
	if err != nil {
		return s, err
	}
	defer rows.Close()
	for rows.Next() {
		var c storedColumn
		if err := rows.Scan(&c.id, &c.name, &c.kind, &c.files, &c.file); err != nil {
			return s, err
		}
		s.columns = append(s.columns, c)
	}
	return s, rows.Err()
}

// as is how the files have the column.
func (s stored) as(f arrow.Field) []storedColumn {
	var found []storedColumn
	for _, c := range s.columns {
		if c.id == fieldID(f) {
			found = append(found, c)
		}
	}
	return found
}

// fits reports whether every file has the column by its name. It is refused where
// one has it with another type, or lacks what no row may be without.
func (s stored) fits(f arrow.Field) (bool, error) {
	named, having := 0, 0
	for _, c := range s.as(f) {
		if kind := kindOf(f.Type); c.kind != kind {
			return false, fmt.Errorf("column %s was written as %s and is %s now: `etl replay` makes the table anew (%s)", f.Name, c.kind, kind, c.file)
		}
		if having += c.files; c.name == f.Name {
			named += c.files
		}
	}
	if having < s.files && !f.Nullable {
		return false, fmt.Errorf("column %s is not in all that was written, and no row may be without it: `etl replay` makes the table anew", f.Name)
	}
	if list, ok := f.Type.(*arrow.ListType); ok {
		element := list.ElemField()
		element.Name, element.Nullable = f.Name, true // that of a list goes by its list
		if _, err := s.fits(element); err != nil {
			return false, err
		}
	}
	return named == s.files, nil
}

// kindOf is Type in the words of DuckDB's catalogue, and of a list only that it is one.
func kindOf(t arrow.DataType) string {
	if t.ID() == arrow.LIST {
		return aList
	}
	return catalogued(t)
}

// rows is what a SELECT reads the files from: where each has every column of the
// table by its name, as they are; otherwise by field id, and a column that a file
// lacks is null. A table without field ids is read by name.
func (d *DB) rows(ctx context.Context, t load.Table, files []string) (string, error) {
	asTheyAre := fmt.Sprintf("read_parquet(%s, hive_partitioning = false)", Files(files))
	if !identified(t) {
		return asTheyAre, nil
	}
	s, err := d.stored(ctx, files)
	if err != nil {
		return "", err
	}
	byName, columns := true, make([]string, t.Arrow.NumFields())
	for i, f := range t.Arrow.Fields() {
		fits, err := s.fits(f)
		if err != nil {
			return "", err
		}
		byName = byName && fits
		columns[i] = fmt.Sprintf("%s: {name: %s, type: %s, default_value: NULL}", fieldID(f), Text(f.Name), Text(Type(f.Type)))
	}
	if byName {
		return asTheyAre, nil
	}
	return fmt.Sprintf("read_parquet(%s, hive_partitioning = false, schema = MAP {%s})", Files(files), strings.Join(columns, ", ")), nil
}

// identified reports whether every column of the table has a field id.
func identified(t load.Table) bool {
	return !slices.ContainsFunc(t.Arrow.Fields(), func(f arrow.Field) bool { return fieldID(f) == "" })
}

// fieldID is the Parquet field id of a column, empty for none.
func fieldID(f arrow.Field) string {
	id, _ := f.Metadata.GetValue("PARQUET:field_id")
	return id
}
