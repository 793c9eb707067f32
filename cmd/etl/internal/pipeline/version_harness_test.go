package pipeline_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"

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
	table := load.Table{Schema: t.Schema, Name: t.Name, Comment: t.Comment, Key: t.Key, Day: t.Day, Arrow: t.Arrow()}
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
				if err = b.Keep(f); err == nil && f.Keys != nil {
					err = b.Keep(*f.Keys)
				}
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
	out, err := s.Merge(v.t.Context(), partition.Plan{New: func(partition.Partition) partition.Files {
		return partition.Files{Path: b.Path(f.Path), Keys: b.Path(f.Keys.Path)}
	}})
	if err != nil {
		return f, err
	}
	r := out.Partitions[0]
	return generation.File{Path: f.Path, Rows: r.Rows, Bytes: r.Bytes, SHA256: r.SHA256, Min: r.MinKey, Max: r.MaxKey,
		Keys: &generation.File{Path: f.Keys.Path, Bytes: r.Keys.Bytes, SHA256: r.Keys.SHA256}}, nil
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
	if table.Day != "" {
		columns[len(fields)-1] = columns[table.Arrow.FieldIndices(table.Day)[0]]
	}
	return array.NewRecord(arrow.NewSchema(fields, nil), columns, rec.NumRows())
}

// martsBy makes the marts of another version of the live ones.
func (v *vendors) martsBy(o version, b *generation.Build, m *generation.Manifest, db *database.DB) {
	v.t.Helper()
	var all []database.Work
	m.MadeBy = nil // by other queries than today's
	m.Marts = maps.Clone(m.Marts)
	for _, mart := range transform.Marts() {
		table := o.table(transform.Table{Schema: transform.MartSchema, Name: mart.Name, Comment: mart.Comment, Key: mart.Grain, Columns: mart.Columns})
		var names []string
		for _, f := range table.Arrow.Fields() {
			names = append(names, f.Name)
		}
		from := v.live().Path(m.Marts[mart.Full()])
		query := "SELECT " + strings.Join(names, ", ") + " FROM read_parquet(" + database.Text(from) + ")"
		all = append(all, database.Work{Mart: load.Mart{Table: table, Query: query}, Path: b.Path(generation.MartPath(table.Schema, table.Name))})
	}
	made, err := db.Compute(v.t.Context(), all)
	if err != nil {
		v.t.Fatal(err)
	}
	for i, w := range all {
		if m.Marts[w.Mart.Full()], err = b.Sum(generation.MartPath(w.Mart.Schema, w.Mart.Name), made[i].Rows); err != nil {
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
