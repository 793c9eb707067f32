package pipeline_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"

	"nightjar/cmd/etl/internal/operate"
	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/extract/sandbox"
	"nightjar/load"
	"nightjar/load/database"
	"nightjar/load/generation"
	"nightjar/load/partition"
	"nightjar/transform"
)

// version says how the tables of another version of the program differ from today's.
type version map[string]func([]arrow.Field) []arrow.Field

func without(name string) func([]arrow.Field) []arrow.Field {
	return func(fields []arrow.Field) []arrow.Field {
		return slices.DeleteFunc(fields, func(f arrow.Field) bool { return f.Name == name })
	}
}

func renamed(name, to string) func([]arrow.Field) []arrow.Field {
	return changed(name, func(f *arrow.Field) { f.Name = to })
}

func retyped(name string, to arrow.DataType) func([]arrow.Field) []arrow.Field {
	return changed(name, func(f *arrow.Field) { f.Type = to })
}

func changed(name string, change func(*arrow.Field)) func([]arrow.Field) []arrow.Field {
	return func(fields []arrow.Field) []arrow.Field {
		for i := range fields {
			if fields[i].Name == name {
				change(&fields[i])
			}
		}
		return fields
	}
}

// with has a column, the second of its table, that was given up since.
func with(name string) func([]arrow.Field) []arrow.Field {
	given := arrow.Field{Name: name, Type: arrow.BinaryTypes.String, Nullable: true, Metadata: arrow.NewMetadata([]string{transform.MetaFieldID}, []string{"900"})}
	return func(fields []arrow.Field) []arrow.Field { return slices.Insert(fields, 1, given) }
}

func (o version) table(t transform.Table) load.Table {
	table := load.Table{Schema: t.Schema, Name: t.Name, Comment: t.Comment, Key: t.Key, Arrow: t.Arrow()}
	if change := o[t.Full()]; change != nil {
		table.Arrow = arrow.NewSchema(change(table.Arrow.Fields()), nil)
	}
	return table
}

// publishedBy publishes the live rows once more, as another version of the program
// would have.
func (v *vendors) publishedBy(o version) {
	v.t.Helper()
	live := v.live()
	b, err := generation.Open(v.config.Warehouse).Begin(live)
	if err != nil {
		v.t.Fatal(err)
	}
	m := live.Manifest
	var all []database.Contents
	for _, t := range everyTable() {
		table, entry := o.table(t), m.Tables[t.Full()]
		entry.Columns, entry.Partitions = "", maps.Clone(entry.Partitions)
		files := database.Contents{Table: table}
		for folder, f := range entry.Partitions {
			if o[t.Full()] == nil {
				err = b.Keep(f)
			} else {
				entry.Partitions[folder], err = v.writtenBy(b, t, table, folder, f)
			}
			if err != nil {
				v.t.Fatal(err)
			}
			if f.Rows > 0 {
				files.Files = append(files.Files, b.Path(f.Path))
			}
		}
		m.Tables[t.Full()] = entry
		all = append(all, files)
	}
	db, err := database.Open(v.t.Context(), b.Database(), database.Limits{Folder: v.config.Warehouse})
	if err != nil {
		v.t.Fatal(err)
	}
	if err := db.Fill(v.t.Context(), all); err != nil {
		v.t.Fatal(err)
	}
	v.martsBy(o, b, m, db)
	if err := db.Finish(v.t.Context()); err != nil {
		v.t.Fatal(err)
	}
	if m.Database, err = b.Sum(filepath.Base(b.Database()), 0); err != nil {
		v.t.Fatal(err)
	}
	if err := b.Commit(m); err != nil {
		v.t.Fatal(err)
	}
}

// writtenBy writes the rows of a live partition with the columns that the table has in
// another version.
func (v *vendors) writtenBy(b *generation.Build, t transform.Table, table load.Table, folder string, f generation.File) (generation.File, error) {
	if f.Rows == 0 {
		empty, err := partition.WriteEmpty(b.Path(f.Path), table)
		return generation.File{Path: f.Path, Bytes: empty.Bytes, SHA256: empty.SHA256}, err
	}
	width, p, err := partition.ParseFolder(folder)
	if err != nil {
		return f, err
	}
	s, err := partition.NewStage(table, width, b.Scratch(), partition.NewPool(1<<30), memory.DefaultAllocator)
	if err != nil {
		return f, err
	}
	defer s.Close()
	in, err := os.Open(v.live().Path(f))
	if err != nil {
		return f, err
	}
	defer in.Close()
	rows, err := pqarrow.ReadTable(v.t.Context(), in, parquet.NewReaderProperties(memory.DefaultAllocator), pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		return f, err
	}
	reader := array.NewTableReader(rows, 0)
	for reader.Next() {
		if err := s.Add(asIn(table, t, reader.Record(), p)); err != nil {
			return f, err
		}
	}
	out, err := s.Merge(v.t.Context(), partition.Plan{Path: func(partition.Partition) string { return b.Path(f.Path) }})
	if err != nil {
		return f, err
	}
	r := out.Partitions[0]
	return generation.File{Path: f.Path, Rows: r.Rows, Bytes: r.Bytes, SHA256: r.SHA256, Min: r.MinKey, Max: r.MaxKey}, nil
}

// asIn are rows of today's table t with the columns of another version. What only that
// one has, or has with another type, is text.
func asIn(table load.Table, t transform.Table, rec arrow.Record, p partition.Partition) arrow.Record {
	fields := append(table.Arrow.Fields(), arrow.Field{Name: load.BusinessDate, Type: arrow.FixedWidthTypes.Date32, Nullable: true})
	columns := make([]arrow.Array, len(fields))
	for i, f := range fields {
		id, _ := f.Metadata.GetValue(transform.MetaFieldID)
		at := slices.IndexFunc(t.Arrow().Fields(), func(today arrow.Field) bool {
			has, _ := today.Metadata.GetValue(transform.MetaFieldID)
			return has == id
		})
		if at >= 0 && arrow.TypeEqual(f.Type, rec.Column(at).DataType()) {
			columns[i] = rec.Column(at)
			continue
		}
		made := array.NewBuilder(memory.DefaultAllocator, f.Type)
		for range rec.NumRows() {
			switch made := made.(type) {
			case *array.Date32Builder:
				made.Append(arrow.Date32(p))
			case *array.StringBuilder:
				made.Append("earlier")
			}
		}
		columns[i] = made.NewArray()
	}
	return array.NewRecord(arrow.NewSchema(fields, nil), columns, rec.NumRows())
}

// martsBy makes the marts of another version of the live ones.
func (v *vendors) martsBy(o version, b *generation.Build, m *generation.Manifest, db *database.DB) {
	v.t.Helper()
	var all []load.Mart
	m.Marts = maps.Clone(m.Marts)
	for _, mart := range transform.Marts() {
		table := o.table(transform.Table{Schema: transform.MartSchema, Name: mart.Name, Comment: mart.Comment, Key: mart.Grain, Columns: mart.Columns})
		var names []string
		for _, f := range table.Arrow.Fields() {
			names = append(names, f.Name)
		}
		from := v.live().Path(m.Marts[mart.Full()])
		all = append(all, load.Mart{Table: table, Query: "SELECT " + strings.Join(names, ", ") + " FROM read_parquet(" + database.Text(from) + ")"})
	}
	path := func(m load.Mart) string { return generation.MartPath(m.Schema, m.Name) }
	rows, err := db.Compute(v.t.Context(), all, nil, func(m load.Mart) string { return b.Path(path(m)) })
	if err != nil {
		v.t.Fatal(err)
	}
	for _, mart := range all {
		if m.Marts[mart.Full()], err = b.Sum(path(mart), rows[mart.Name]); err != nil {
			v.t.Fatal(err)
		}
	}
}

// earlier lacks columns at every place of the order, calls one by another name, and
// has one that was given up.
var earlier = version{
	"iadvize.conversations":   without("tags"),
	"volt.messages":           renamed("status", "state"),
	"volt.waves":              with("given_up"),
	"clientloop.idv_requests": without("outcome"),
	"etl.runs":                without("retries"),
	"marts.csat_daily":        without("is_final"),
	"marts.calls_daily":       without("inbound"),
}

// expectToday expects the warehouse to be as today's program would have made it, but
// for the tags of the months that no run has touched since the earlier one.
func (v *vendors) expectToday(before map[string]file) {
	v.t.Helper()
	v.verify()
	state, err := operate.Status(v.t.Context(), v.runner(v.config).Site)
	if err != nil {
		v.t.Fatal(err)
	}
	for _, p := range state.Pipelines {
		if p.Enabled && (p.Last == nil || p.Last.Fetched == 0) {
			v.t.Errorf("status knows no last run of %s: %+v", p.Pipeline, p)
		}
	}
	for _, t := range everyTable() {
		published := v.live().Manifest.Tables[t.Full()].Columns
		for _, c := range t.Columns {
			if !strings.Contains(published, fmt.Sprintf("%d %s %s;", c.ID, c.Name, c.Type)) {
				v.t.Errorf("the manifest knows no column %s of %s: %s", c.Name, t.Full(), published)
			}
		}
	}
	truth := v.truth()
	for _, r := range truth["iadvize.conversations"] {
		delete(r, "tags")
	}
	for name, want := range truth {
		expectRows(v.t, name, keys[name], v.table(name), want, 0)
	}
	months := map[string]bool{} // whether the file of each is the earlier program's
	for name, f := range exported(v.t, v.config.Warehouse) {
		if month, ok := strings.CutPrefix(filepath.ToSlash(filepath.Dir(name)), "parquet/iadvize/conversations/month="); ok {
			months[month] = before[name].info != nil && os.SameFile(f.info, before[name].info)
		}
	}
	kept, filled := 0, 0
	for _, r := range v.table("iadvize.conversations") {
		switch old := months[string(r["closed_date"].(date))[:7]]; {
		case old && r["tags"] == nil:
			kept++
		case !old && r["tags"] != nil:
			filled++
		case old:
			v.t.Errorf("conversation %v has tags, and its file is of a program that knew none", r["conversation_id"])
		}
	}
	if len(before) > 0 && kept == 0 || filled == 0 {
		v.t.Errorf("%d rows of files that stayed, %d rows with tags: this proves nothing", kept, filled)
	}
}

// A warehouse of an earlier version goes on: whatever a night does not touch stays as
// it was written, and reads as null where today's program has a column more.
func TestWarehouseOfAnEarlierVersion(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.1})
	v.run(pipeline.Request{})
	v.publishedBy(earlier)
	before := exported(t, v.config.Warehouse)
	v.verify()
	if _, err := operate.Status(t.Context(), v.runner(v.config).Site); err != nil {
		t.Fatal(err)
	}

	v.pass(aDay)
	v.run(pipeline.Request{})
	v.expectToday(before)
	v.run(pipeline.Request{})
	v.expectToday(before)

	if _, _, err := operate.Rollback(t.Context(), v.runner(v.config).Site, 2); err != nil {
		t.Fatal(err)
	}
	v.verify()
	v.run(pipeline.Request{})
	v.expectToday(before)

	v.replay(v.config.Warehouse, time.Time{})
	v.expectToday(nil)
	v.expectTruth()
}

// A column whose type has changed cannot be read on: the run says so, and a replay
// makes the table anew.
func TestWarehouseWithAColumnOfAnotherType(t *testing.T) {
	t.Parallel()
	for table, column := range map[string]string{"iadvize.conversations": "duration_seconds", "aircall.calls": "note_count"} {
		t.Run(table, func(t *testing.T) {
			t.Parallel()
			v := open(t, noon, sandbox.Options{Scale: 0.05})
			v.run(pipeline.Request{})
			v.publishedBy(version{table: retyped(column, arrow.BinaryTypes.String)})
			v.pass(aDay)
			report, err := v.runner(v.config).Run(t.Context(), pipeline.Request{})
			said := ""
			switch {
			case err != nil:
				said = err.Error()
			case report != nil:
				said = reasons(report)
			}
			for _, want := range []string{table, column, "`etl replay`"} {
				if !strings.Contains(said, want) {
					t.Errorf("the run says %q, and not %s", said, want)
				}
			}
			if live := v.live().Manifest.Generation; live != 2 {
				t.Errorf("generation %d is live, want 2", live)
			}
			v.replay(v.config.Warehouse, time.Time{})
			v.run(pipeline.Request{})
			v.verify()
			v.expectTruth()
		})
	}
}
