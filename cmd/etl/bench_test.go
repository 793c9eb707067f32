package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// The benchmarks read variables of the environment.
const (
	benchRowsVar    = "ETL_BENCH_ROWS"    // conversations; a million without it
	benchMemoryVar  = "ETL_BENCH_MEMORY"  // the program's setting "memory"; its default without it
	benchProfileVar = "ETL_BENCH_PROFILE" // file for a CPU profile of the program; none without it
	benchWrittenVar = "ETL_BENCH_WRITTEN" // set by a benchmark: file for what the system counts of the program's reading and writing
)

const benchConfig = `version: 1
timezone: UTC
memory: ${ETL_BENCH_MEMORY:-512MB}
warehouse: ./warehouse
sources:
  iadvize: { endpoint: "${IADVIZE_ENDPOINT}", token_url: "${IADVIZE_TOKEN_URL}", username: bench, password: "${IADVIZE_PASSWORD}", projects: [9999], rate: 1000000/s, concurrency: 8 }
pipelines:
  - { name: conversations, source: iadvize, stream: closed_conversations, schedule: "15 2 * * *", lookback: 72h, start: 2025-01-01 }
`

// BenchmarkExport takes a year of conversations from a vendor on loopback to
// Parquet, DuckDB and marts, every page landed, and compares that with what DuckDB
// does by itself with the same pages as files: no network, no landing zone, no
// keys, no versions, no order, no partitions, no marts. All are processes of their
// own, so that time, memory and CPU are theirs alone.
func BenchmarkExport(b *testing.B) {
	rows := 1_000_000
	if text := os.Getenv(benchRowsVar); text != "" {
		var err error
		if rows, err = strconv.Atoi(text); err != nil {
			b.Fatalf("%s: %v", benchRowsVar, err)
		}
	}
	dir := b.TempDir()
	size, err := writeBenchPages(dir, rows)
	if err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(benchVendor(dir))
	defer server.Close()

	var ours cost
	theirs := map[string]*cost{}
	for b.Loop() {
		ours.add(exportOurs(b, server.URL, rows))
		for way := range waysOfDuckDB(dir) {
			if theirs[way] == nil {
				theirs[way] = &cost{}
			}
			theirs[way].add(exportTheirs(b, way, dir, rows))
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(size)/1e6, "MB-of-JSON")
	report := func(name string, c cost) {
		b.ReportMetric(float64(rows)*float64(b.N)/c.took.Seconds(), name+"-rows/s")
		b.ReportMetric(c.cpu.Seconds()/float64(b.N), name+"-cpu-s")
		b.ReportMetric(float64(c.peak)/1e6, name+"-peak-MB")
	}
	report("etl", ours)
	for way, c := range theirs {
		report("duckdb-"+way, *c)
		b.ReportMetric(c.took.Seconds()/ours.took.Seconds(), "times-as-fast-as-duckdb-"+way)
		b.ReportMetric(c.cpu.Seconds()/ours.cpu.Seconds(), "times-less-cpu-than-duckdb-"+way)
	}
}

// cost is what processes took.
type cost struct {
	took, cpu time.Duration
	peak      int64 // resident memory, bytes; the most of any
}

func (c *cost) add(o cost) {
	c.took += o.took
	c.cpu += o.cpu
	c.peak = max(c.peak, o.peak)
}

// exportOurs runs the program once into an empty warehouse.
func exportOurs(b *testing.B, url string, rows int) cost {
	dir := b.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "pipelines.yaml"), []byte(benchConfig), 0o644); err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command("etl-profiled", "run", "-q", "--from", "2025-01-01", "--to", "2026-01-01")
	cmd.Dir = dir
	cmd.Env = []string{"HOME=" + dir, "TMPDIR=" + os.TempDir(), benchProfileVar + "=" + os.Getenv(benchProfileVar),
		benchMemoryVar + "=" + benchMemory(), "GOMAXPROCS=" + strconv.Itoa(runtime.GOMAXPROCS(0)), "IADVIZE_ENDPOINT=" + url + "/graphql", "IADVIZE_TOKEN_URL=" + url + "/oauth2/token", "IADVIZE_PASSWORD=benchmark"}
	c := timed(b, cmd)
	if got := benchCount(b, filepath.Join(dir, "warehouse", "analytics.duckdb"), "iadvize.conversations"); got != rows {
		b.Fatalf("the program exported %d conversations of %d", got, rows)
	}
	return c
}

// exportTheirs runs DuckDB once into an empty folder.
func exportTheirs(b *testing.B, way, pages string, rows int) cost {
	dir := b.TempDir()
	cmd := exec.Command("duckdb-alone", way, pages)
	cmd.Dir = dir
	c := timed(b, cmd)
	if got := benchCount(b, filepath.Join(dir, "analytics.duckdb"), "conversations"); got != rows {
		b.Fatalf("DuckDB exported %d conversations of %d", got, rows)
	}
	return c
}

func timed(b *testing.B, cmd *exec.Cmd) cost {
	b.Helper()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	start := time.Now()
	if err := cmd.Run(); err != nil {
		b.Fatalf("%v: %v\n%s", cmd.Args, err, out.String())
	}
	c := cost{took: time.Since(start), cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		c.peak = usage.Maxrss << 10 // kilobytes, on Linux
	}
	return c
}

func benchCount(b *testing.B, path, table string) (n int) {
	b.Helper()
	db, err := sql.Open("duckdb", path+"?access_mode=READ_ONLY")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow("SELECT count(*) FROM " + table).Scan(&n); err != nil {
		b.Fatal(err)
	}
	return n
}

// profiled is main with a CPU profile and a count of what it wrote, where they are
// asked for.
func profiled() {
	var profile *os.File
	if path := os.Getenv(benchProfileVar); path != "" {
		var err error
		if profile, err = os.Create(path); err != nil {
			panic(err)
		}
		if err := pprof.StartCPUProfile(profile); err != nil {
			panic(err)
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	code := run(ctx, os.Args[1:])
	if profile != nil {
		pprof.StopCPUProfile()
		if err := profile.Close(); err != nil {
			panic(err)
		}
	}
	if path := os.Getenv(benchWrittenVar); path != "" {
		counted, err := os.ReadFile("/proc/self/io")
		if err = errors.Join(err, os.WriteFile(path, counted, 0o644)); err != nil {
			panic(err)
		}
	}
	os.Exit(code)
}

// duckdbAlone is DuckDB by itself, in the way and over the pages that its
// arguments name.
func duckdbAlone() {
	if err := exportWithDuckDB(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func exportWithDuckDB(way, pages string) error {
	db, err := sql.Open("duckdb", "analytics.duckdb")
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	for _, statement := range append(waysOfDuckDB(pages)[way], "CHECKPOINT") {
		if _, err := db.Exec(statement); err != nil {
			return errors.Join(fmt.Errorf("%.60s: %w", statement, err), db.Close())
		}
	}
	return db.Close()
}

// waysOfDuckDB are the statements of each way in which DuckDB goes about it:
//
//	plain   every file and every table from the pages
//	staged  every file from the pages, and every table from its file
//	tuned   as fast as it goes: types declared, pages read once, no order kept
func waysOfDuckDB(pages string) map[string][]string {
	const conversations = `SELECT n.id AS conversation_id, n.project.id AS project_id, n.channel, n."language", n.createdAt::TIMESTAMPTZ AS created_at,
		n.closedAt::TIMESTAMPTZ AS closed_at, n.closedAt::DATE AS closed_date, n.duration, list_transform(n.tags, lambda t: t.name) AS tags,
		n.satisfactionSurvey.customerSatisfaction AS csat_score, n.satisfactionSurvey.netPromoterScore AS nps_score,
		n.satisfactionSurvey.comment AS survey_comment FROM nodes`
	const transactions = `SELECT t.id AS transaction_id, conversation_id, t.externalConversionId AS external_conversion_id, t.amount::DECIMAL(18,4) AS amount,
		t.currency, t.receivedAt::TIMESTAMPTZ AS received_at, closed_date
		FROM (SELECT n.id AS conversation_id, n.closedAt::DATE AS closed_date, unnest(n.conversions.transactions) AS t FROM nodes)`
	fromPages := `WITH nodes AS (SELECT unnest(data.closedConversations.edges).node AS n FROM read_json('` + pages + `/*.json')) `
	toFile := func(name, query string) string {
		return fmt.Sprintf("COPY (%s) TO '%s.parquet' (FORMAT parquet, COMPRESSION zstd)", query, name)
	}
	return map[string][]string{
		"plain": {
			toFile("conversations", fromPages+conversations),
			toFile("transactions", fromPages+transactions),
			"CREATE TABLE conversations AS " + fromPages + conversations,
			"CREATE TABLE transactions AS " + fromPages + transactions,
		},
		"staged": {
			toFile("conversations", fromPages+conversations),
			toFile("transactions", fromPages+transactions),
			"CREATE TABLE conversations AS FROM 'conversations.parquet'",
			"CREATE TABLE transactions AS FROM 'transactions.parquet'",
		},
		"tuned": {
			"SET preserve_insertion_order = false",
			`CREATE TEMP TABLE nodes AS SELECT unnest(data.closedConversations.edges).node AS n FROM read_json('` + pages + `/*.json', columns = {
				data: 'STRUCT(closedConversations STRUCT(edges STRUCT(node STRUCT(id VARCHAR, createdAt TIMESTAMPTZ, closedAt TIMESTAMPTZ, channel VARCHAR,
					duration VARCHAR, "language" VARCHAR, tags STRUCT("name" VARCHAR)[], project STRUCT(id BIGINT),
					satisfactionSurvey STRUCT(customerSatisfaction TINYINT, netPromoterScore TINYINT, "comment" VARCHAR),
					conversions STRUCT(transactions STRUCT(id VARCHAR, externalConversionId VARCHAR, amount DECIMAL(18,4), currency VARCHAR, receivedAt TIMESTAMPTZ)[])))[]))'})`,
			"CREATE TABLE conversations AS " + conversations,
			"CREATE TABLE transactions AS " + transactions,
			"COPY conversations TO 'conversations.parquet' (FORMAT parquet, COMPRESSION zstd)",
			"COPY transactions TO 'transactions.parquet' (FORMAT parquet, COMPRESSION zstd)",
		},
	}
}
