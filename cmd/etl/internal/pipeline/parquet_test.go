package pipeline_test

import (
	"fmt"
	"maps"
	"math/big"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"nightjar/cmd/etl/internal/config"
	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/extract/sandbox"
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
	_, err := os.Stat(filepath.Join(v.config.Warehouse, "landing", filepath.FromSlash(page)+".json.zst"))
	return err == nil
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

func TestParquetForOtherReaders(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.3})
	for i := range v.config.Pipelines {
		v.config.Pipelines[i].Partition = config.ByDay // small files: some have columns without a value
	}
	v.run(pipeline.Request{})
	const (
		text    = "STRING"
		whole   = "INT(64,true)"
		instant = "TIMESTAMP(isAdjustedToUTC=true,unit=MICROS)"
	)
	for table, want := range map[string][]string{
		"iadvize.conversations": {"conversation_id " + text + " required", "project_id " + whole, "channel " + text, "language " + text,
			"created_at " + instant, "closed_at " + instant, "closed_date DATE", "duration_seconds DOUBLE", "tags list of " + text,
			"csat_score INT(8,true)", "nps_score INT(8,true)", "survey_comment " + text,
			"_extracted_at " + instant + " required", "_page " + text + " required"},
		"iadvize.transactions": {"conversation_id " + text + " required", "transaction_id " + text + " required", "external_conversion_id " + text,
			"amount DECIMAL(18,4)", "currency " + text, "received_at " + instant, "closed_date DATE",
			"_extracted_at " + instant + " required", "_page " + text + " required"},
		"aircall.calls": {"call_id " + text + " required", "direction " + text, "call_type " + text, "from_number " + text, "to_number " + text,
			"via_number " + text, "duration_seconds DOUBLE", "is_archived BOOLEAN", "note_count " + whole, "created_at " + instant,
			"created_date DATE", "_extracted_at " + instant + " required", "_page " + text + " required"},
		"volt.waves": {"wave_id " + whole + " required", "name " + text, "type " + text, "scheduled_at " + instant, "scheduled_date DATE",
			"account_id " + text, "account_name " + text, "account_phone " + text, "organization_id " + text, "sent_by " + text,
			"body " + text, "media list of " + text, "lists list of " + text, "total_messages " + whole, "messages_delivered " + whole,
			"messages_failed " + whole, "_extracted_at " + instant + " required", "_page " + text + " required"},
		"volt.messages": {"message_id " + whole + " required", "legacy_id " + text, "wave_id " + whole, "contact_id " + text,
			"account_phone " + text, "from_number " + text, "to_number " + text, "direction " + text, "status " + text,
			"status_description " + text, "error_code " + text, "body " + text, "sent_at " + instant, "sent_date DATE",
			"confirmed_at " + instant, "_extracted_at " + instant + " required", "_page " + text + " required"},
	} {
		t.Run(table, func(t *testing.T) {
			var ids map[string]int
			rows, bare := int64(0), map[string]bool{}
			for _, path := range v.files(table) {
				file := openParquet(t, path)
				if got := typesOf(file); !slices.Equal(got, want) {
					t.Fatalf("%s has\n%s\nwant\n%s", path, strings.Join(got, "\n"), strings.Join(want, "\n"))
				}
				if ids == nil {
					ids = fieldIDs(file)
				}
				if now := fieldIDs(file); !maps.Equal(now, ids) {
					t.Errorf("%s has the field ids %v, others %v", path, now, ids)
				}
				all := readParquet(t, path)
				expectSorted(t, path, keys[table], all)
				rows += int64(len(all))
				for _, c := range want {
					name, _, _ := strings.Cut(c, " ")
					if count(all, func(r row) bool { return r[name] != nil }) == 0 {
						bare[name] = true
					}
				}
			}
			seen := map[int]string{}
			for name, id := range ids {
				if id <= 0 || seen[id] != "" {
					t.Errorf("%s has the field id %d, as has %q", name, id, seen[id])
				}
				seen[id] = name
			}
			if have := v.live().Manifest.Tables[table].Rows; have != rows {
				t.Errorf("the files have %d rows, the manifest %d", rows, have)
			}
			if optional := map[string]string{"iadvize.conversations": "nps_score", "volt.messages": "error_code", "volt.waves": "lists"}[table]; optional != "" && !bare[optional] {
				t.Errorf("no file has a %s without any value: this proves nothing", optional)
			}
		})
	}
}

// Field ids are for ever: a table format that adopted the files finds its columns
// by them.
func TestFieldIDsStay(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.05})
	v.run(pipeline.Request{})
	for table, want := range map[string]map[string]int{
		"iadvize.conversations": {"conversation_id": 1, "closed_at": 6, "tags": 9, "tags.element": 2009, "csat_score": 10, "survey_comment": 12},
		"iadvize.transactions":  {"transaction_id": 1, "amount": 4, "closed_date": 7},
		"aircall.calls":         {"call_id": 1, "duration_seconds": 7, "created_date": 11},
		"aircall.call_notes":    {"note_id": 1, "content": 4},
		"volt.waves":            {"wave_id": 1, "body": 11, "messages_failed": 16},
		"volt.messages":         {"message_id": 1, "sent_date": 14, "confirmed_at": 15},
	} {
		ids := fieldIDs(openParquet(t, v.files(table)[0]))
		for column, id := range want {
			if ids[column] != id {
				t.Errorf("%s.%s has the field id %d, want %d", table, column, ids[column], id)
			}
		}
	}
	for mart := range grains {
		file := openParquet(t, filepath.Join(v.config.Warehouse, "current", "parquet", "marts", mart, "data.parquet"))
		for i, f := range file.Schema().Fields() {
			if id := fieldIDs(file)[f.Name()]; id != i+1 {
				t.Errorf("marts.%s.%s has the field id %d, want %d", mart, f.Name(), id, i+1)
			}
		}
	}
}

// More distinct values than a dictionary takes give the same bytes, however many
// decoders share the pages.
func TestManyDistinctValuesGiveTheSameBytes(t *testing.T) {
	if testing.Short() {
		t.Skip("tens of thousands of rows")
	}
	v := open(t, noon, sandbox.Options{Scale: 26, Start: noon.AddDate(0, 0, -30), Waves: 1, WaveSize: 1})
	v.run(pipeline.Request{Pipelines: []string{"conversations"}})
	bytes, largest := 0, ""
	for _, path := range v.files("iadvize.conversations") {
		size := 0
		for _, r := range readParquet(t, path) {
			size += len(r["conversation_id"].(string))
		}
		if size > bytes {
			bytes, largest = size, path
		}
	}
	if bytes <= 1<<20 {
		t.Fatalf("%s has %d bytes of distinct values: this proves nothing", largest, bytes)
	}
	want := exported(t, v.config.Warehouse)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	dir := v.withLanding()
	v.replay(dir, time.Time{})
	expectSameFiles(t, exported(t, dir), want)
}
