package pipeline_test

import (
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"nightjar/load/ref"
)

// parquet reads a table of the live generation with an implementation of Parquet
// that did not write it.
func (v *vendors) parquet(table string) []row {
	v.t.Helper()
	var rows []row
	for _, path := range v.files(table) {
		rows = append(rows, readParquet(v.t, path)...)
	}
	return rows
}

// files lists the partitions of a table, sorted.
func (v *vendors) files(table string) []string {
	v.t.Helper()
	schema, name, _ := strings.Cut(table, ".")
	paths, err := filepath.Glob(filepath.Join(v.config.Warehouse, "current", "parquet", schema, name, "*", "data.parquet"))
	if err != nil || len(paths) == 0 {
		v.t.Fatalf("table %s has no Parquet: %v", table, err)
	}
	slices.Sort(paths)
	return paths
}

// landed reports whether a page is in the landing zone.
func (v *vendors) landed(page string) bool {
	v.t.Helper()
	p, err := ref.ParsePage(page)
	if err != nil {
		return false
	}
	has, err := v.zone(v.config.Warehouse).Has(p)
	return has && err == nil
}

func openParquet(t *testing.T, path string) *parquet.File {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	p, err := parquet.OpenFile(f, info.Size())
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return p
}

func readParquet(t *testing.T, path string) []row {
	t.Helper()
	file := openParquet(t, path)
	fields := file.Schema().Fields()
	var rows []row
	for _, group := range file.RowGroups() {
		reader := group.Rows()
		buffer := make([]parquet.Row, 256)
		for {
			n, err := reader.ReadRows(buffer)
			for _, r := range buffer[:n] {
				rows = append(rows, rowOf(fields, r))
			}
			if err != nil {
				break
			}
		}
		if err := reader.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if int64(len(rows)) != file.NumRows() {
		t.Fatalf("%s says %d rows and holds %d", path, file.NumRows(), len(rows))
	}
	return rows
}

// rowOf reads a row whose columns are leaves or lists of leaves.
func rowOf(fields []parquet.Field, values parquet.Row) row {
	r := row{}
	values.Range(func(i int, column []parquet.Value) bool {
		f := fields[i]
		if f.Leaf() {
			r[f.Name()] = cell(f, column[0])
			return true
		}
		element := f.Fields()[0].Fields()[0]
		var list any
		if column[0].DefinitionLevel() > 0 {
			texts := []string{}
			for _, v := range column {
				if !v.IsNull() {
					texts = append(texts, fmt.Sprint(cell(element, v)))
				}
			}
			list = texts
		}
		r[f.Name()] = list
		return true
	})
	return r
}

// cell is a value by its logical type.
func cell(f parquet.Node, v parquet.Value) any {
	if v.IsNull() {
		return nil
	}
	if logical := f.Type().LogicalType(); logical != nil {
		switch kind := logical.Value.(type) {
		case *format.TimestampType:
			return time.UnixMicro(v.Int64()).UTC()
		case *format.DateType:
			return date(time.Unix(int64(v.Int32())*86400, 0).UTC().Format(time.DateOnly))
		case *format.DecimalType:
			return scaled(unscaled(v), int(kind.Scale))
		}
	}
	switch v.Kind() {
	case parquet.Boolean:
		return v.Boolean()
	case parquet.Int32:
		return int64(v.Int32())
	case parquet.Int64:
		return v.Int64()
	case parquet.Double:
		return v.Double()
	}
	return string(v.ByteArray())
}

// unscaled is the whole number of a decimal, stored as one or as big-endian
// two's complement.
func unscaled(v parquet.Value) int64 {
	switch v.Kind() {
	case parquet.Int32:
		return int64(v.Int32())
	case parquet.Int64:
		return v.Int64()
	}
	b := v.ByteArray()
	n := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return n.Int64()
}

// typesOf writes the columns of a file as "name type", in order.
func typesOf(file *parquet.File) []string {
	var all []string
	for _, f := range file.Schema().Fields() {
		kind := ""
		if f.Leaf() {
			kind = f.Type().String()
		} else {
			kind = "list of " + f.Fields()[0].Fields()[0].Type().String()
		}
		if f.Required() {
			kind += " required"
		}
		all = append(all, f.Name()+" "+kind)
	}
	return all
}

// fieldIDs are the ids of a file's columns by name, and those of the elements of
// lists.
func fieldIDs(file *parquet.File) map[string]int {
	ids := map[string]int{}
	for _, c := range file.Root().Columns() {
		ids[c.Name()] = c.ID()
		if !c.Leaf() {
			ids[c.Name()+".element"] = c.Columns()[0].Columns()[0].ID()
		}
	}
	return ids
}
