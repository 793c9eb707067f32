package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "github.com/marcboeker/go-duckdb/v2" // the analyst's way in
	"github.com/rogpeppe/go-internal/testscript"

	"nightjar/extract/sandbox"
)

// The test binary, run under the name etl, is the program itself.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"etl": main, "etl-profiled": profiled, "etl-faulty": faulty, "duckdb-alone": duckdbAlone})
}

// program is the etl command in a folder of its own, as its operator has it.
type program struct {
	t   testing.TB
	dir string
	env map[string]string
}

// newProgram is a program with the real pipelines.yaml and no variables set.
func newProgram(t testing.TB) *program {
	t.Helper()
	p := &program{t: t, dir: t.TempDir(), env: map[string]string{}}
	config, err := os.ReadFile("../../pipelines.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p.configure(string(config))
	return p
}

func (p *program) configure(text string) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, "pipelines.yaml"), []byte(text), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// impatient is a configuration that gives up soon and takes small answers only.
const impatient = `version: 1
timezone: Europe/Paris
warehouse: ./warehouse
sources:
  iadvize: { endpoint: "${IADVIZE_ENDPOINT}", token_url: "${IADVIZE_TOKEN_URL}", username: "${IADVIZE_USERNAME}", password: "${IADVIZE_PASSWORD}", projects: [9999], rate: 1000/s, retries: 1, timeout: 5s, max_page: 1MiB }
  aircall: { endpoint: "${AIRCALL_ENDPOINT}", username: "${AIRCALL_USERNAME}", password: "${AIRCALL_PASSWORD}", rate: 1000/s, retries: 1, timeout: 5s, max_page: 1MiB }
  volt: { endpoint: "${VOLT_ENDPOINT}", token: "${VOLT_TOKEN}", accounts: ["+10003334444"], rate: 1000/s, retries: 1, timeout: 5s, max_page: 1MiB }
pipelines:
  - { name: conversations, source: iadvize, stream: closed_conversations, schedule: "15 2 * * *", lookback: 72h, start: 2025-01-01 }
  - { name: calls, source: aircall, stream: calls, schedule: "30 2 * * *" }
  - { name: waves, source: volt, stream: waves, schedule: "45 2 * * *", settle: 7d, gap: 500 }
  - { name: messages, source: volt, stream: messages, schedule: "50 2 * * *", settle: 7d }
`

// result is what one call of the program came to.
type result struct {
	code           int
	stdout, stderr string
	peak           int64 // resident memory, bytes
	took           time.Duration
}

// command prepares a call of the program that has nothing of this process's
// environment but what the program's operator set.
func (p *program) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "etl", args...)
	cmd.Dir = p.dir
	cmd.Env = []string{"HOME=" + p.dir, "TMPDIR=" + os.TempDir()}
	for name, value := range p.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	return cmd
}

// etl runs the program to its end.
func (p *program) etl(args ...string) result {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), time.Minute)
	defer cancel()
	var out, errs bytes.Buffer
	cmd := p.command(ctx, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	start := time.Now()
	err := cmd.Run()
	took := time.Since(start)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		p.t.Fatalf("etl %s: %v\n%s", strings.Join(args, " "), errors.Join(err, ctx.Err()), errs.String())
	}
	r := result{code: cmd.ProcessState.ExitCode(), stdout: out.String(), stderr: errs.String(), took: took}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		r.peak = usage.Maxrss << 10 // kilobytes, on Linux
	}
	return r
}

// must runs the program and expects an exit code.
func (p *program) must(code int, args ...string) result {
	p.t.Helper()
	r := p.etl(args...)
	if r.code != code {
		p.t.Fatalf("etl %s: exit code %d, want %d\nstdout:\n%s\nstderr:\n%s", strings.Join(args, " "), r.code, code, r.stdout, r.stderr)
	}
	return r
}

func (p *program) path(elem ...string) string {
	return filepath.Join(append([]string{p.dir, "warehouse"}, elem...)...)
}

// clock is a clock that stands still until it is moved.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) set(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = at
}

// simulate serves simulated vendors, through wrap where it is not nil.
func simulate(t testing.TB, opt sandbox.Options, wrap func(http.Handler) http.Handler) (*sandbox.Sandbox, map[string]string) {
	t.Helper()
	if opt.Scale == 0 {
		opt.Scale = 0.1
	}
	box, err := sandbox.New(opt)
	if err != nil {
		t.Fatal(err)
	}
	handler := box.Handler()
	if wrap != nil {
		handler = wrap(handler)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return box, box.Env(server.URL)
}

// openDatabase opens a DuckDB file as an analyst would.
func openDatabase(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("duckdb", path+"?access_mode=READ_ONLY")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// query returns the only column of the rows as text.
func query(t *testing.T, db *sql.DB, statement string) []string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), statement)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var text sql.NullString
		if err := rows.Scan(&text); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
		all = append(all, text.String)
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return all
}

// sameTables compares every vendor table and every mart of two warehouses by
// content. What a row says of the run that brought it differs between any two
// warehouses, and is_final depends on the hour in which that was.
func sameTables(t *testing.T, want, got string) {
	t.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for name, path := range map[string]string{"want": want, "got": got} {
		if _, err := db.ExecContext(t.Context(), "ATTACH '"+filepath.Join(path, "analytics.duckdb")+"' AS "+name+" (READ_ONLY)"); err != nil {
			t.Fatal(err)
		}
	}
	tables := query(t, db, `SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE database_name = 'want' AND schema_name <> 'etl' ORDER BY ALL`)
	if len(tables) < 13 {
		t.Fatalf("the reference has the tables %v only", tables)
	}
	for _, table := range tables {
		columns := `COLUMNS(c -> c NOT IN ('_extracted_at', '_page', 'is_final'))`
		a, b := "SELECT "+columns+" FROM want."+table, "SELECT "+columns+" FROM got."+table
		differ := query(t, db, "SELECT (SELECT count(*) FROM ("+a+" EXCEPT ALL "+b+")) + (SELECT count(*) FROM ("+b+" EXCEPT ALL "+a+"))")
		if differ[0] != "0" {
			t.Errorf("%s differs in %s rows", table, differ[0])
		}
	}
}

// verified expects the live generation to be whole.
func (p *program) verified() {
	p.t.Helper()
	if r := p.must(exitOK, "verify"); !strings.Contains(r.stdout, "is whole") {
		p.t.Errorf("verify says %q", r.stdout)
	}
}

// live is what current points to; empty for nothing.
func (p *program) live() string {
	target, err := os.Readlink(p.path("current"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		p.t.Fatal(err)
	}
	return target
}
