package pipeline_test

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"log/slog"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/marcboeker/go-duckdb/v2"

	"nightjar/cmd/etl/internal/config"
	"nightjar/cmd/etl/internal/operate"
	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/cmd/etl/internal/warehouse"
	"nightjar/extract/sandbox"
	"nightjar/load/generation"
)

// noon is where the clock of most tests stands: two days after the clocks of
// Paris went forward, so that the history holds the day of 23 hours.
var noon = time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)

// vendors is the sandbox behind a server that counts, with a clock that the test
// moves, and one warehouse that is filled from it.
type vendors struct {
	t      *testing.T
	server *httptest.Server
	config *config.Config
	opt    sandbox.Options // as it was opened

	mu    sync.Mutex
	now   time.Time
	box   *sandbox.Sandbox
	asked []asked
	stop  func(asked) bool                          // whether a request is refused; nil: none is
	alter func(vendor string, answer []byte) []byte // nil: answers stay as they are
}

// asked is one request for data, sign-ins aside.
type asked struct {
	vendor string // "iadvize"
	query  string
	vars   map[string]any
}

// introspects reports whether the request asks for the schema, not for records.
func (a asked) introspects() bool {
	return strings.Contains(a.query, "__type") || strings.Contains(a.query, "__schema")
}

func open(t *testing.T, at time.Time, opt sandbox.Options) *vendors {
	t.Helper()
	v := &vendors{t: t, now: at, opt: opt}
	v.box = v.another(opt)
	v.server = httptest.NewServer(http.HandlerFunc(v.serve))
	t.Cleanup(v.server.Close)
	v.config = v.load(t.TempDir())
	return v
}

// another is a sandbox with the same clock.
func (v *vendors) another(opt sandbox.Options) *sandbox.Sandbox {
	v.t.Helper()
	if opt.Seed == 0 {
		opt.Seed = 1
	}
	opt.Clock = v.clock
	box, err := sandbox.New(opt)
	if err != nil {
		v.t.Fatal(err)
	}
	return box
}

// load reads the configuration that ships with the program, for a warehouse.
func (v *vendors) load(warehouse string) *config.Config {
	v.t.Helper()
	env := v.box.Env(v.server.URL)
	cfg, err := config.Load("../../../../pipelines.yaml", func(name string) (string, bool) {
		value, ok := env[name]
		return value, ok
	})
	if err != nil {
		v.t.Fatal(err)
	}
	cfg.Warehouse = warehouse
	return cfg
}

func (v *vendors) clock() time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.now
}

// pass moves the clock on.
func (v *vendors) pass(d time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.now = v.now.Add(d)
}

// swap replaces what the vendors hold, and returns what they held.
func (v *vendors) swap(box *sandbox.Sandbox) *sandbox.Sandbox {
	v.mu.Lock()
	defer v.mu.Unlock()
	old := v.box
	v.box = box
	return old
}

// refuse makes the server refuse the requests that stop picks; nil: none.
func (v *vendors) refuse(stop func(asked) bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.stop = stop
}

// rewrite has the server alter every answer; nil: none.
func (v *vendors) rewrite(alter func(vendor string, answer []byte) []byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.alter = alter
}

// requests returns the requests for records since the last call.
func (v *vendors) requests() []asked {
	v.mu.Lock()
	defer v.mu.Unlock()
	all := v.asked
	v.asked = nil
	return all
}

func (v *vendors) serve(w http.ResponseWriter, r *http.Request) {
	vendor, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	refused := false
	v.mu.Lock()
	box, alter := v.box, v.alter
	if !strings.HasPrefix(rest, "oauth2") && !bytes.Contains(body, []byte("login(")) {
		a := asked{vendor: vendor}
		var sent struct {
			Query     string
			Variables map[string]any
		}
		if json.Unmarshal(body, &sent) == nil {
			a.query, a.vars = sent.Query, sent.Variables
		}
		if !a.introspects() {
			v.asked = append(v.asked, a)
			refused = v.stop != nil && v.stop(a)
		}
	}
	v.mu.Unlock()
	if refused {
		http.Error(w, `{"errors":[{"message":"no"}]}`, http.StatusForbidden)
		return
	}
	if alter == nil {
		box.Handler().ServeHTTP(w, r)
		return
	}
	r.Header.Del("Accept-Encoding")
	whole := httptest.NewRecorder()
	box.Handler().ServeHTTP(whole, r)
	maps.Copy(w.Header(), whole.Header())
	w.Header().Del("Content-Length")
	w.WriteHeader(whole.Code)
	_, _ = w.Write(alter(vendor, whole.Body.Bytes())) // the client sees to what is missing
}

// runner runs into a warehouse of the configuration.
func (v *vendors) runner(cfg *config.Config) *pipeline.Runner {
	return &pipeline.Runner{Site: &warehouse.Site{Config: cfg, Version: "test", Log: slog.New(slog.DiscardHandler), Now: v.clock}}
}

// run runs and expects that all is published.
func (v *vendors) run(request pipeline.Request) *summary.Summary {
	v.t.Helper()
	report := v.attempt(request)
	if report.Status != summary.Complete {
		v.t.Fatalf("the run is %s:\n%s", report.Status, reasons(report))
	}
	return report
}

// attempt runs, whatever comes of it.
func (v *vendors) attempt(request pipeline.Request) *summary.Summary {
	v.t.Helper()
	report, err := v.runner(v.config).Run(v.t.Context(), request)
	if err != nil {
		v.t.Fatal(err)
	}
	return report
}

// verify expects hashes, counts and rows of the live generation to agree.
func (v *vendors) verify() {
	v.t.Helper()
	checked, err := operate.Verify(v.t.Context(), v.runner(v.config).Site)
	if err != nil {
		v.t.Fatal(err)
	}
	for _, p := range checked.Problems {
		v.t.Errorf("verify: %s", p)
	}
}

// live is the live generation of the warehouse.
func (v *vendors) live() *generation.Generation {
	v.t.Helper()
	g, err := generation.Open(v.config.Warehouse).Current()
	if err != nil {
		v.t.Fatal(err)
	}
	return g
}

// seeds yields the seeds from 1 on: so many, few at the most where time is short, or the
// one that is to be tried alone.
func seeds(n, few int, alone uint64) iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		first := uint64(1)
		if testing.Short() {
			n = min(n, few)
		}
		if alone > 0 {
			first, n = alone, 1
		}
		for seed := first; seed < first+uint64(n) && yield(seed); seed++ {
		}
	}
}

func reasons(report *summary.Summary) string {
	var b strings.Builder
	for _, l := range report.Pipelines {
		fmt.Fprintf(&b, "%s: %s %s\n", l.Pipeline, l.Status, l.Reason)
	}
	return b.String()
}

// legOf is the part of a pipeline in a report.
func legOf(t testing.TB, report *summary.Summary, name string) *summary.Leg {
	t.Helper()
	for _, l := range report.Pipelines {
		if l.Pipeline == name {
			return l
		}
	}
	t.Fatalf("the report has no pipeline %s", name)
	return nil
}

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

// byVendor counts requests.
func byVendor(all []asked) map[string]int {
	n := map[string]int{}
	for _, a := range all {
		n[a.vendor]++
	}
	return n
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
