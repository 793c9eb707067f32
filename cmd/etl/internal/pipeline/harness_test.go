package pipeline_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

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
	run := v.attempt(request)
	if run.Status != summary.Complete {
		v.t.Fatalf("the run is %s:\n%s", run.Status, reasons(run))
	}
	return run
}

// attempt runs, whatever comes of it.
func (v *vendors) attempt(request pipeline.Request) *summary.Summary {
	v.t.Helper()
	run, err := v.runner(v.config).Run(v.t.Context(), request)
	if err != nil {
		v.t.Fatal(err)
	}
	return run
}

// verify expects hashes, counts and rows of the live generation to agree, and but for a
// short run of the tests its marts to be what its tables give.
func (v *vendors) verify() {
	v.t.Helper()
	checked, err := operate.Verify(v.t.Context(), v.runner(v.config).Site)
	if err != nil {
		v.t.Fatal(err)
	}
	for _, p := range checked.Problems {
		v.t.Errorf("verify: %s", p)
	}
	if testing.Short() {
		return
	}
	marts, err := operate.VerifyMarts(v.t.Context(), v.runner(v.config).Site)
	if err != nil {
		v.t.Fatal(err)
	}
	for _, d := range marts.Differences {
		v.t.Errorf("verify --marts: %s", d)
	}
	for _, p := range marts.Problems {
		v.t.Errorf("verify --marts: %s", p)
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

func reasons(run *summary.Summary) string {
	var b strings.Builder
	for _, l := range run.Pipelines {
		fmt.Fprintf(&b, "%s: %s %s\n", l.Pipeline, l.Status, l.Reason)
	}
	return b.String()
}

// legOf is the part of a pipeline in a summary.
func legOf(t testing.TB, run *summary.Summary, name string) *summary.Leg {
	t.Helper()
	for _, l := range run.Pipelines {
		if l.Pipeline == name {
			return l
		}
	}
	t.Fatalf("the summary has no pipeline %s", name)
	return nil
}

// byVendor counts requests.
func byVendor(all []asked) map[string]int {
	n := map[string]int{}
	for _, a := range all {
		n[a.vendor]++
	}
	return n
}
