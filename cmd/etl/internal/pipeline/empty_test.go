package pipeline_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"nightjar/cmd/etl/internal/config"
	"nightjar/cmd/etl/internal/operate"
	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/cmd/etl/internal/streams"
	"nightjar/extract/sandbox"
	"nightjar/transform"
)

// everyTable is every table of the warehouse.
func everyTable() []transform.Table {
	var all []transform.Table
	for _, s := range streams.All() {
		all = append(all, s.Tables...)
	}
	return append(all, transform.Runs(), transform.Reconciliation(), transform.Bookmarks(), transform.Rejects(), transform.SurveyChannels(), transform.FinalDays())
}

// wholeTables are those that have one file, without a folder of its own.
var wholeTables = []string{"etl.bookmarks", "etl.survey_channels", "etl.final_through"}

// folders are the partitions of a table that are on disk and in the manifest.
func (v *vendors) folders(table string) []string {
	v.t.Helper()
	root := v.live().Dir
	var all []string
	for folder, f := range v.live().Manifest.Tables[table].Partitions {
		if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(f.Path))); err != nil {
			v.t.Errorf("%s: %v", table, err)
		}
		all = append(all, folder)
	}
	slices.Sort(all)
	schema, name, _ := strings.Cut(table, ".")
	found, err := filepath.Glob(filepath.Join(root, "parquet", schema, name, "*", "data.parquet"))
	if slices.Contains(wholeTables, table) {
		found, err = filepath.Glob(filepath.Join(root, "parquet", schema, name, "data.parquet"))
	}
	if err != nil || len(found) != len(all) {
		v.t.Errorf("%s has the files %v, and the manifest %v: %v", table, found, all, err)
	}
	return all
}

// Whoever reads all files of a table finds one with its columns, from the first
// generation on, whatever there is to read.
func TestEveryTableHasAFile(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.05})
	v.run(pipeline.Request{})
	for _, table := range everyTable() {
		folders, rows := v.folders(table.Full()), v.live().Manifest.Tables[table.Full()].Rows
		if len(folders) == 0 {
			t.Errorf("%s has no file", table.Full())
		}
		glob := filepath.Join(v.live().Dir, "parquet", table.Schema, table.Name, "**", "data.parquet")
		found := v.query("SELECT * FROM (DESCRIBE SELECT * FROM read_parquet('" + glob + "', hive_partitioning = true))")
		for _, c := range table.Columns {
			if !slices.ContainsFunc(found, func(r row) bool { return r["column_name"] == c.Name }) {
				t.Errorf("the files of %s have no column %s", table.Full(), c.Name)
			}
		}
		if rows > 0 {
			continue
		}
		want := "month=2026-03"
		if slices.Contains(wholeTables, table.Full()) {
			want = "."
		}
		if !slices.Equal(folders, []string{want}) {
			t.Errorf("%s, which has no rows, has the partitions %v", table.Full(), folders)
		}
	}
	for _, table := range wholeTables {
		if got := v.folders(table); !slices.Equal(got, []string{"."}) {
			t.Errorf("%s is in %v", table, got)
		}
	}
	for _, desk := range transform.DeskConversations().Tables {
		ids := fieldIDs(openParquet(t, v.files(desk.Full())[0]))
		for _, c := range desk.Columns {
			if ids[c.Name] != c.ID {
				t.Errorf("%s.%s has the field id %d, want %d", desk.Full(), c.Name, ids[c.Name], c.ID)
			}
		}
	}
	v.verify()
	if err := os.Remove(v.live().Database()); err != nil {
		t.Fatal(err)
	}
	if _, err := operate.Status(t.Context(), v.runner(v.config).Site); err != nil {
		t.Errorf("the Parquet does not stand in for the database: %v", err)
	}
}

// The file of a table without rows stays where it is from night to night, is the same
// in a warehouse that is rebuilt, and goes when rows come.
func TestFileOfATableWithoutRows(t *testing.T) {
	t.Parallel()
	const table, path = "desk.conversations", "parquet/desk/conversations/month=2026-03/data.parquet"
	v := open(t, noon, sandbox.Options{Scale: 0.05})
	v.nights(2 * aDay) // to April
	first := exported(t, v.config.Warehouse)
	if _, ok := first[path]; !ok {
		t.Fatalf("%s is missing", path)
	}
	v.pass(aDay)
	v.run(pipeline.Request{Pipelines: []string{"waves"}})
	if again := exported(t, v.config.Warehouse)[path]; again.sha256 != first[path].sha256 || !os.SameFile(again.info, first[path].info) {
		t.Error("the file of a table without rows is another one in the next generation")
	}
	want := exported(t, v.config.Warehouse)
	dir := v.withLanding()
	v.replay(dir, time.Time{})
	expectSameFiles(t, exported(t, dir), want)
	v.replay(v.config.Warehouse, time.Time{})
	expectSameFiles(t, exported(t, v.config.Warehouse), want)

	v.accept(v.handLanded("desk", "conversations", nil,
		landedPage{"w", `{"conversations":[{"id":1,"createdAt":"2026-01-20T10:00:00Z"},{"id":2,"createdAt":"0001-01-01T00:00:00Z"}]}`, 2}), "desk", "conversations")
	if got := v.folders(table); !slices.Equal(got, []string{"month=0001-01", "month=2026-01"}) {
		t.Errorf("%s has the partitions %v", table, got)
	}
	v.verify()
}

// Days are told from months in the files of empty tables too, and a table may change
// its width for as long as it has no row.
func TestFileOfATableWithoutRowsByDay(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.05})
	v.run(pipeline.Request{Pipelines: []string{"waves"}})
	if got := v.folders("aircall.calls"); !slices.Equal(got, []string{"month=2026-03"}) {
		t.Errorf("calls have the partitions %v", got)
	}
	for i := range v.config.Pipelines {
		if v.config.Pipelines[i].Name == "calls" || v.config.Pipelines[i].Name == "desk" {
			v.config.Pipelines[i].Partition = config.ByDay
		}
	}
	v.run(pipeline.Request{Pipelines: []string{"calls"}})
	if got := v.folders("desk.conversations"); !slices.Equal(got, []string{"day=2026-03-31"}) {
		t.Errorf("desk conversations have the partitions %v", got)
	}
	for _, folder := range v.folders("aircall.calls") {
		if !strings.HasPrefix(folder, "day=") {
			t.Errorf("calls have the partition %s", folder)
		}
	}
	v.verify()
}

// Records without a business day are in a partition that readers take for one of its
// neighbours, by month and by day.
func TestRecordsWithoutADay(t *testing.T) {
	t.Parallel()
	for width, want := range map[config.Partition][]string{
		config.ByMonth: {"month=0001-01", "month=2026-03"}, config.ByDay: {"day=0001-01-01", "day=2026-03-02"},
	} {
		v := open(t, noon, sandbox.Options{Scale: 0.05})
		for i := range v.config.Pipelines {
			v.config.Pipelines[i].Partition = width
		}
		v.handLanded("aircall", "calls", nil, landedPage{"w", callsPage(`{"id":"c-1"}`, aCall("c-2", "2026-03-02", "")), 2})
		v.rebuilt()
		if got := v.folders("aircall.calls"); !slices.Equal(got, want) {
			t.Errorf("calls have the partitions %v, want %v", got, want)
		}
		v.pass(aDay)
		// A day comes to be known.
		v.accept(v.handLanded("aircall", "calls", nil, landedPage{"w", callsPage(aCall("c-1", "2026-03-02", "")), 1}), "aircall", "calls")
		if got := v.folders("aircall.calls"); !slices.Equal(got, want[1:]) {
			t.Errorf("calls have the partitions %v, want %v", got, want[1:])
		}
		v.verify()
	}
}
