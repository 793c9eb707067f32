package main

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What BenchmarkPeers reads of the environment, beside ETL_BENCH_ROWS, the rows of the
// first load. testdata/peers/run sets the first two.
const (
	peersPythonVar = "ETL_PEERS_PYTHON" // a Python that has testdata/peers/requirements.txt
	peersTableVar  = "ETL_PEERS_TABLE"  // file for the table; without it the benchmark prints it
	peersOnlyVar   = "ETL_PEERS"        // names of peers, with commas; all without it
	peersSpreadVar = "ETL_PEERS_SPREAD" // rows of the history in which some change all over; 3 million without it, 0 leaves that out
)

// peer is a way of doing what the program does. Its command runs in a folder of its
// own, which keeps from step to step what the peer has made.
type peer struct {
	name    string
	command func(s peerStep) []string // without the interpreter, which is Python
	files   string                    // glob of the Parquet files of {table}; empty where it makes none
	schema  string                    // of its tables in analytics.duckdb; empty where it makes none
}

// peerStep is one thing that all do.
type peerStep struct {
	name       string
	rows       int // of conversations, in its pages
	first      bool
	from, to   string // days, the last included
	pages, url string // the same pages, as files and served
}

// peers are what the program is compared with, it being the first.
func peers(scripts string) []peer {
	script := func(name string, args ...string) func(peerStep) []string {
		return func(s peerStep) []string {
			return append(append([]string{filepath.Join(scripts, name)}, args...), "--url", s.url, "--from", s.from, "--to", s.to)
		}
	}
	duckdb := func(way string) func(peerStep) []string {
		return func(s peerStep) []string {
			statements := filepath.Join(scripts, "merge.sql")
			if s.first {
				statements = way + ".sql"
			}
			return []string{filepath.Join(scripts, "with_duckdb.py"), statements, s.pages}
		}
	}
	return []peer{
		{name: "Nightjar", files: "warehouse/current/parquet/iadvize/{table}/*/*.parquet", schema: "iadvize"},
		{name: "dlt-duckdb", command: script("with_dlt.py", "duckdb"), schema: "peers"},
		{name: "dlt-arrow", command: script("with_dlt.py", "arrow"), schema: "peers"},
		{name: "dlt-files", command: script("with_dlt.py", "files"), files: "files/peers/{table}/*.parquet"},
		{name: "polars", command: script("with_polars.py"), files: "parquet/{table}/*/*.parquet", schema: "main"},
		{name: "pyarrow", command: script("with_pyarrow.py"), files: "parquet/{table}/*/*.parquet", schema: "main"},
		{name: "duckdb-plain", command: duckdb("plain"), files: "{table}.parquet", schema: "main"},
		{name: "duckdb-tuned", command: duckdb("tuned"), files: "{table}.parquet", schema: "main"},
	}
}

// BenchmarkPeers compares the program with what people use, on a first load, on a
// night after it, and on changes all over a longer history. testdata/peers/README.md
// says how it measures, and testdata/peers/run runs it.
func BenchmarkPeers(b *testing.B) {
	rows, spread := peersNumber(b, benchRowsVar, 1_000_000), peersNumber(b, peersSpreadVar, 3_000_000)
	scripts := filepath.Join(repository(b), "testdata", "peers")
	python := cmp.Or(os.Getenv(peersPythonVar), "python3")
	versions, err := exec.Command(python, filepath.Join(scripts, "check.py"), "--versions").Output()
	if err != nil {
		b.Skipf("%s lacks what testdata/peers/requirements.txt names (testdata/peers/run installs it): %v", python, err)
	}
	steps := peerSteps(b, rows, spread)
	var results []peerResult
	for _, p := range chosenPeers(b, peers(scripts)) {
		dirs := [2]string{b.TempDir(), b.TempDir()}
		for i, s := range steps {
			dir := dirs[i/2]
			r := measurePeer(b, p, s, python, dir)
			r.sums = checkPeer(b, p, python, scripts, dir)
			fmt.Fprintf(os.Stderr, "%s: %s: %.1f s\n", p.name, s.name, r.took.Seconds())
			results = append(results, r)
		}
	}
	b.ReportMetric(0, "ns/op")
	table := peersTable(results, steps) + "\n" + peersMachine() + " " + strings.TrimSpace(string(versions)) + "\n"
	if path := os.Getenv(peersTableVar); path != "" {
		if err := os.WriteFile(path, []byte(table), 0o644); err != nil {
			b.Fatal(err)
		}
		return
	}
	fmt.Print("\n", table)
}

func peersNumber(b *testing.B, name string, n int) int {
	if text := os.Getenv(name); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			b.Fatalf("%s: %v", name, err)
		}
	}
	return n
}

// chosenPeers are the program, and those that were asked for.
func chosenPeers(b *testing.B, all []peer) []peer {
	names := os.Getenv(peersOnlyVar)
	if names == "" {
		return all
	}
	chosen := all[:1]
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(all, func(p peer) bool { return p.name == name })
		if i < 1 {
			b.Fatalf("%s: there is no peer %q", peersOnlyVar, name)
		}
		chosen = append(chosen, all[i])
	}
	return chosen
}

// peerSteps makes the pages of every step, and serves them until the benchmark ends.
// Two steps at a time happen to the same folder.
func peerSteps(b *testing.B, rows, spread int) []peerStep {
	history := func(dir string, rows int) (int, error) {
		_, err := writeBenchPages(dir, rows)
		return rows, err
	}
	const first, last = "2025-01-01", "2025-12-31"
	step := func(name string, write func(string, int) (int, error), rows int, s peerStep) peerStep {
		s.pages = b.TempDir()
		var err error
		if s.rows, err = write(s.pages, rows); err != nil {
			b.Fatal(err)
		}
		server := httptest.NewServer(benchVendor(s.pages))
		b.Cleanup(server.Close)
		s.url, s.name = server.URL, fmt.Sprintf(name, peersCount(s.rows), peersCount(rows))
		return s
	}
	steps := []peerStep{
		step("first load of %[1]s", history, rows, peerStep{first: true, from: first, to: last}),
		step("night on %[2]s: %[1]s read, 30,000 of them new", writeNight, rows, peerStep{from: "2025-12-29", to: last}),
	}
	if spread > 0 {
		steps = append(steps,
			step("first load of %[1]s", history, spread, peerStep{first: true, from: first, to: last}),
			step("%[1]s changed, all over %[2]s", writeSpread, spread, peerStep{from: first, to: last}))
	}
	return steps
}

// measurePeer runs one step in a process of its own.
func measurePeer(b *testing.B, p peer, s peerStep, python, dir string) peerResult {
	b.Helper()
	// Held without --accept where a vendor that had millions tells of thousands.
	args := []string{"etl", "run", "-q", "--accept", "--from", s.from, "--to", s.to}
	if p.command != nil {
		args = append([]string{python}, p.command(s)...)
	}
	files := map[string]string{"pipelines.yaml": benchConfig}
	for way, statements := range waysOfDuckDB("{pages}") {
		files[way+".sql"] = strings.Join(statements, ";\n")
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	// A shell stands between, which says in the end what the system has counted of the
	// writing of all its children.
	counted := filepath.Join(dir, "io")
	cmd := exec.Command("sh", append([]string{"-c", `"$@" || exit; if [ -e /proc/$$/io ]; then cat /proc/$$/io >io; fi`, "sh"}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir, "DLT_DATA_DIR="+dir, "RUNTIME__DLTHUB_TELEMETRY=false", "TZ=UTC", benchMemoryVar+"="+benchMemory(),
		"IADVIZE_ENDPOINT="+s.url+"/graphql", "IADVIZE_TOKEN_URL="+s.url+"/oauth2/token", "IADVIZE_PASSWORD=benchmark")
	syscall.Sync() // what the one before has left
	start := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v: %v\n%s", args, err, bytes.TrimSpace(out))
	}
	r := peerResult{peer: p.name, step: s, took: time.Since(start), user: cmd.ProcessState.UserTime(), written: -1}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		r.peak = usage.Maxrss << 10
	}
	if text, err := os.ReadFile(counted); err == nil {
		if _, after, found := strings.Cut(string(text), "wchar: "); found {
			fmt.Sscan(after, &r.written)
		}
	}
	return r
}
