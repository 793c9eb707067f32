package pipeline_test

import (
	"cmp"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/marcboeker/go-duckdb/v2"
)

// row is one row: nil, string, int64, float64, bool, []string, time.Time in UTC,
// date or decimal by column.
type row map[string]any

type (
	date    string // 2026-03-31
	decimal string // 12.3400
)

// query reads rows from the live database.
func (v *vendors) query(query string) []row {
	v.t.Helper()
	rows, err := readDatabase(v.live().Database(), query)
	if err != nil {
		v.t.Fatalf("%s: %v", query, err)
	}
	return rows
}

func (v *vendors) table(name string) []row {
	v.t.Helper()
	return v.query("SELECT * FROM " + name)
}

func readDatabase(path, query string) ([]row, error) {
	db, err := sql.Open("duckdb", path+"?access_mode=read_only")
	if err != nil {
		return nil, err
	}
	defer db.Close()
	found, err := db.Query(query)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	columns, err := found.ColumnTypes()
	if err != nil {
		return nil, err
	}
	var rows []row
	for found.Next() {
		cells, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := found.Scan(into...); err != nil {
			return nil, err
		}
		r := row{}
		for i, c := range columns {
			r[c.Name()] = plain(cells[i], c.DatabaseTypeName())
		}
		rows = append(rows, r)
	}
	return rows, found.Err()
}

// plain turns what the driver returns into a row's values.
func plain(v any, kind string) any {
	switch v := v.(type) {
	case int8:
		return int64(v)
	case int32:
		return int64(v)
	case time.Time:
		if kind == "DATE" {
			return date(v.Format(time.DateOnly))
		}
		return v.UTC()
	case duckdb.Decimal:
		return scaled(v.Value.Int64(), int(v.Scale))
	case []any:
		list := []string{}
		for _, e := range v {
			list = append(list, fmt.Sprint(e))
		}
		return list
	}
	return v
}

// scaled writes a decimal of so many units of the last place.
func scaled(units int64, scale int) decimal {
	sign := ""
	if units < 0 {
		sign, units = "-", -units
	}
	digits := fmt.Sprintf("%0*d", scale+1, units)
	return decimal(sign + digits[:len(digits)-scale] + "." + digits[len(digits)-scale:])
}

// expectRows compares rows by key, column by column. Columns that want does not
// name are not compared; numbers with a fraction may differ by tolerance.
func expectRows(t *testing.T, name string, key []string, got, want []row, tolerance float64) {
	t.Helper()
	have := index(t, name+" as it is", key, got)
	should := index(t, name+" as it should be", key, want)
	wrong := 0
	complain := func(format string, args ...any) {
		if wrong++; wrong <= 10 {
			t.Errorf(name+": "+format, args...)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(should)) {
		r, ok := have[k]
		if !ok {
			complain("row %s is missing", k)
			continue
		}
		for _, c := range slices.Sorted(maps.Keys(should[k])) {
			value, ok := r[c]
			if !ok || !same(value, should[k][c], tolerance) {
				complain("row %s has %s %#v, want %#v", k, c, value, should[k][c])
			}
		}
	}
	for _, k := range slices.Sorted(maps.Keys(have)) {
		if _, ok := should[k]; !ok {
			complain("row %s should not be there", k)
		}
	}
	if wrong > 10 {
		t.Errorf("%s: %d differences in all, in %d rows", name, wrong, len(want))
	}
}

func index(t *testing.T, name string, key []string, rows []row) map[string]row {
	t.Helper()
	all := make(map[string]row, len(rows))
	for _, r := range rows {
		var parts []string
		for _, k := range key {
			parts = append(parts, fmt.Sprint(r[k]))
		}
		id := strings.Join(parts, " | ")
		if _, twice := all[id]; twice {
			t.Errorf("%s has row %s twice", name, id)
		}
		all[id] = r
	}
	return all
}

func same(a, b any, tolerance float64) bool {
	switch b := b.(type) {
	case time.Time:
		a, ok := a.(time.Time)
		return ok && a.Equal(b)
	case float64:
		a, ok := a.(float64)
		return ok && math.Abs(a-b) <= tolerance*max(1, math.Abs(b))
	}
	return reflect.DeepEqual(a, b)
}

// file is one file of a generation: what it holds and where it is on disk.
type file struct {
	sha256 string
	info   fs.FileInfo
}

// exported reads the Parquet files of the vendor tables and the marts of a
// warehouse's live generation, by path.
func exported(t testing.TB, warehouse string) map[string]file {
	t.Helper()
	root := filepath.Join(warehouse, "current") + string(filepath.Separator)
	files := map[string]file{}
	err := filepath.WalkDir(root+"parquet", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name := filepath.ToSlash(strings.TrimPrefix(path, root))
		if strings.HasPrefix(name, "parquet/etl/") {
			return nil
		}
		body, readErr := os.ReadFile(path)
		info, statErr := d.Info()
		sum := sha256.Sum256(body)
		files[name] = file{sha256: hex.EncodeToString(sum[:]), info: info}
		return errors.Join(readErr, statErr)
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatalf("%s holds no Parquet", warehouse)
	}
	return files
}

// expectSameFiles compares two exports by path and by bytes.
func expectSameFiles(t testing.TB, got, want map[string]file) {
	t.Helper()
	for _, path := range slices.Sorted(maps.Keys(want)) {
		if f, ok := got[path]; !ok {
			t.Errorf("%s is missing", path)
		} else if f.sha256 != want[path].sha256 {
			t.Errorf("%s has other bytes", path)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[path]; !ok {
			t.Errorf("%s should not be there", path)
		}
	}
}

// less orders cells of one column, nulls last.
func less(a, b any) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return 1
	case b == nil:
		return -1
	}
	switch a := a.(type) {
	case string:
		return cmp.Compare(a, b.(string))
	case int64:
		return cmp.Compare(a, b.(int64))
	case date:
		return cmp.Compare(a, b.(date))
	}
	return 0
}
