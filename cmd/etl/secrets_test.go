package main

import (
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

// Whatever happens, no credential is in what the program prints or keeps: neither
// one that was configured, right or wrong, nor one that a vendor gave.
func TestSecretsAreNowhere(t *testing.T) {
	var spoil atomic.Pointer[func(w http.ResponseWriter, r *http.Request)]
	signIns := false // are spoilt too
	wrap := func(good http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if f := spoil.Load(); f != nil && (signIns || isData(r)) {
				(*f)(w, r)
				return
			}
			good.ServeHTTP(w, r)
		})
	}
	p := newProgram(t)
	hasty := strings.ReplaceAll(impatient, "retries: 1", "retries: 0")
	p.configure(hasty)
	var told bytes.Buffer // all that the program has printed
	var secrets []string
	call := func(code int, args ...string) {
		t.Helper()
		r := p.must(code, args...)
		told.WriteString(r.stdout + r.stderr)
	}
	commands := func(code int) {
		t.Helper()
		call(code, "run", "--full")
		call(code, "run", "--json", "--log-format", "json")
	}
	var boxes []*sandbox.Sandbox
	vendors := func(faults ...string) map[string]string {
		box, env := simulate(t, sandbox.Options{Seed: 5, Scale: 0.05, Faults: faults}, wrap)
		boxes = append(boxes, box)
		p.env = env
		return env
	}

	env := vendors()
	commands(exitOK)
	call(exitOK, "check", "--online")
	call(exitOK, "run", "--dry-run", "--json")
	call(exitOK, "status", "--json")
	vendors("expire")
	commands(exitOK)

	// Vendors that quote what they were sent, in every form of an error.
	vendors()
	pipelines := []string{"conversations", "calls", "messages"}
	for i, status := range []int{http.StatusOK, http.StatusBadRequest, http.StatusUnauthorized, http.StatusInternalServerError} {
		signIns = status/100 == 4 // any other failure of a sign-in is tried again, and slowly
		for j, form := range []string{`{"errors":[{"message":%q,"path":[%[1]q],"extensions":{"code":%[1]q}}]}`, `{"error":%q}`, `<html><body>%s</body></html>`, `%s`} {
			quote := func(w http.ResponseWriter, r *http.Request) {
				sent, _ := io.ReadAll(r.Body)
				w.WriteHeader(status)
				fmt.Fprintf(w, form, "you sent "+r.Header.Get("Authorization")+" and "+string(sent))
			}
			spoil.Store(&quote)
			call(exitFailed, "run", "--json", pipelines[(i+j)%len(pipelines)])
		}
	}
	signIns = false
	moved := func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/elsewhere?token="+strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), http.StatusFound)
	}
	spoil.Store(&moved)
	call(exitFailed, "run")
	cut := func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }
	spoil.Store(&cut)
	call(exitFailed, "run", "calls")
	spoil.Store(nil)

	// Wrong ones are as secret as right ones.
	p.env = maps.Clone(env)
	for _, name := range []string{"IADVIZE_PASSWORD", "AIRCALL_PASSWORD", "VOLT_TOKEN"} {
		p.env[name] = "wrong-" + strings.ToLower(name)
		secrets = append(secrets, p.env[name])
	}
	commands(exitFailed)
	call(exitFailed, "check", "--online")
	p.configure(hasty + "unknown: key\n")
	call(exitUsage, "check")
	p.configure(strings.Replace(hasty, "retries: 0", `retries: "${IADVIZE_PASSWORD}"`, 1))
	call(exitUsage, "run")
	p.configure(hasty)

	vendors("dirty")
	commands(exitOK)
	call(exitOK, "replay")
	call(exitOK, "verify", "--json")

	for _, box := range boxes {
		secrets = append(secrets, box.Secrets()...)
	}
	slices.Sort(secrets)
	secrets = slices.Compact(secrets)
	if len(secrets) < 15 {
		t.Fatalf("only %d secrets are known", len(secrets))
	}
	lookFor(t, secrets, "what was printed", told.Bytes())
	searched := 0
	err := filepath.WalkDir(p.path(), func(name string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		lookFor(t, secrets, name, content)
		if strings.HasSuffix(name, ".zst") {
			decoder, err := zstd.NewReader(bytes.NewReader(content))
			if err != nil {
				return err
			}
			defer decoder.Close()
			if content, err = io.ReadAll(decoder); err != nil {
				return err
			}
			lookFor(t, secrets, name, content)
		}
		searched++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	db := openDatabase(t, p.path("analytics.duckdb"))
	tables := query(t, db, "SELECT schema_name || '.' || table_name FROM duckdb_tables() ORDER BY ALL")
	for _, table := range tables {
		rows := query(t, db, "SELECT to_json(r)::VARCHAR FROM "+table+" AS r")
		lookFor(t, secrets, table, []byte(strings.Join(rows, "\n")))
	}
	t.Logf("looked for %d secrets in %d bytes of output, %d files and %d tables", len(secrets), told.Len(), searched, len(tables))
}

func lookFor(t *testing.T, secrets []string, place string, content []byte) {
	t.Helper()
	for _, secret := range secrets {
		if at := bytes.Index(content, []byte(secret)); at >= 0 {
			t.Errorf("%s has the secret %q: …%q…", place, secret, content[max(0, at-80):min(len(content), at+len(secret)+40)])
		}
	}
}
