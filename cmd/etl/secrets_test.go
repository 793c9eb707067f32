package main

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/klauspost/compress/zstd"

	"nightjar/extract/sandbox"
)

// hasty gives up at the first failure.
var hasty = strings.ReplaceAll(impatient, "retries: 1", "retries: 0")

// witness keeps all that a program prints, and what must be in none of it.
type witness struct {
	*program
	told    bytes.Buffer
	secrets []string
	boxes   []*sandbox.Sandbox
	spoil   atomic.Pointer[http.HandlerFunc] // answers for the vendors; nil: they do
	signIns bool                             // are spoilt too
}

func (p *witness) wrap(good http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f := p.spoil.Load(); f != nil && (p.signIns || isData(r)) {
			(*f)(w, r)
			return
		}
		good.ServeHTTP(w, r)
	})
}

func (p *witness) answer(f http.HandlerFunc) { p.spoil.Store(&f) }

func (p *witness) call(code int, args ...string) {
	p.t.Helper()
	r := p.must(code, args...)
	p.told.WriteString(r.stdout + r.stderr)
}

func (p *witness) commands(code int) {
	p.t.Helper()
	p.call(code, "run", "--full")
	p.call(code, "run", "--json", "--log-format", "json")
}

func (p *witness) vendors(faults ...string) {
	p.t.Helper()
	box, env := simulate(p.t, sandbox.Options{Seed: 5, Scale: 0.05, Faults: faults}, p.wrap)
	p.boxes, p.env = append(p.boxes, box), env
}

// Whatever happens, no credential is in what the program prints or keeps: neither
// one that was configured, right or wrong, nor one that a vendor gave.
func TestSecretsAreNowhere(t *testing.T) {
	p := &witness{program: newProgram(t)}
	p.configure(hasty)
	p.vendors()
	env := p.env
	p.commands(exitOK)
	p.call(exitOK, "check", "--online")
	p.call(exitOK, "run", "--dry-run", "--json")
	p.call(exitOK, "status", "--json")
	p.vendors("expire")
	p.commands(exitOK)

	p.vendors()
	p.isQuoted()

	// Wrong ones are as secret as right ones.
	p.env = maps.Clone(env)
	for _, name := range []string{"IADVIZE_PASSWORD", "AIRCALL_PASSWORD", "VOLT_TOKEN"} {
		p.env[name] = "wrong-" + strings.ToLower(name)
		p.secrets = append(p.secrets, p.env[name])
	}
	p.commands(exitFailed)
	p.call(exitFailed, "check", "--online")
	p.configure(hasty + "unknown: key\n")
	p.call(exitUsage, "check")
	p.configure(strings.Replace(hasty, "retries: 0", `retries: "${IADVIZE_PASSWORD}"`, 1))
	p.call(exitUsage, "run")
	p.configure(hasty)

	p.vendors("dirty")
	p.commands(exitOK)
	p.call(exitOK, "replay")
	p.call(exitOK, "verify", "--json")

	for _, box := range p.boxes {
		p.secrets = append(p.secrets, box.Secrets()...)
	}
	slices.Sort(p.secrets)
	p.secrets = slices.Compact(p.secrets)
	if len(p.secrets) < 15 {
		t.Fatalf("only %d secrets are known", len(p.secrets))
	}
	lookFor(t, p.secrets, "what was printed", p.told.Bytes())
	files, tables := lookInFiles(t, p.secrets, p.path()), lookInTables(t, p.secrets, p.path("analytics.duckdb"))
	t.Logf("looked for %d secrets in %d bytes of output, %d files and %d tables", len(p.secrets), p.told.Len(), files, tables)
}

// isQuoted has the vendors quote what they were sent, in every form of an error.
func (p *witness) isQuoted() {
	p.t.Helper()
	pipelines := []string{"conversations", "calls", "messages"}
	for i, status := range []int{http.StatusOK, http.StatusBadRequest, http.StatusUnauthorized, http.StatusInternalServerError} {
		p.signIns = status/100 == 4 // any other failure of a sign-in is tried again, and slowly
		for j, form := range []string{`{"errors":[{"message":%q,"path":[%[1]q],"extensions":{"code":%[1]q}}]}`, `{"error":%q}`, `<html><body>%s</body></html>`, `%s`} {
			p.answer(func(w http.ResponseWriter, r *http.Request) {
				sent, _ := io.ReadAll(r.Body)
				w.WriteHeader(status)
				fmt.Fprintf(w, form, "you sent "+r.Header.Get("Authorization")+" and "+string(sent))
			})
			p.call(exitFailed, "run", "--json", pipelines[(i+j)%len(pipelines)])
		}
	}
	p.signIns = false
	p.answer(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/elsewhere?token="+strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), http.StatusFound)
	})
	p.call(exitFailed, "run")
	p.answer(func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) })
	p.call(exitFailed, "run", "calls")
	p.spoil.Store(nil)
}

// lookInFiles counts the files below dir in which it has looked.
func lookInFiles(t *testing.T, secrets []string, dir string) (searched int) {
	t.Helper()
	pages := 0
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		lookFor(t, secrets, name, content)
		if strings.HasSuffix(name, ".tar") {
			pages += lookInPages(t, secrets, name, content)
		}
		searched++
		return nil
	})
	if err != nil || pages == 0 {
		t.Fatalf("looked in %d pages: %v", pages, err)
	}
	return searched + pages
}

// lookInPages counts the pages of a pack in which it has looked.
func lookInPages(t *testing.T, secrets []string, name string, pack []byte) (searched int) {
	t.Helper()
	decoder, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer decoder.Close()
	for members := tar.NewReader(bytes.NewReader(pack)); ; searched++ {
		member, err := members.Next()
		if err == io.EOF {
			return searched
		}
		if err != nil {
			t.Fatal(err)
		}
		packed, err := io.ReadAll(members)
		if err != nil {
			t.Fatal(err)
		}
		page, err := decoder.DecodeAll(packed, nil)
		if err != nil {
			t.Fatal(err)
		}
		lookFor(t, secrets, name+": "+member.Name, page)
	}
}

// lookInTables counts the tables of a database in which it has looked.
func lookInTables(t *testing.T, secrets []string, database string) int {
	t.Helper()
	db := openDatabase(t, database)
	tables := query(t, db, "SELECT schema_name || '.' || table_name FROM duckdb_tables() ORDER BY ALL")
	for _, table := range tables {
		rows := query(t, db, "SELECT to_json(r)::VARCHAR FROM "+table+" AS r")
		lookFor(t, secrets, table, []byte(strings.Join(rows, "\n")))
	}
	return len(tables)
}

func lookFor(t *testing.T, secrets []string, place string, content []byte) {
	t.Helper()
	for _, secret := range secrets {
		if at := bytes.Index(content, []byte(secret)); at >= 0 {
			t.Errorf("%s has the secret %q: …%q…", place, secret, content[max(0, at-80):min(len(content), at+len(secret)+40)])
		}
	}
}
