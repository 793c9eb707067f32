package main

import (
	"bytes"
	"context"
	"database/sql"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"nightjar/extract/sandbox"
)

// What README.md and the data dictionary promise, done to the letter: every
// command and every query is run, against a small demo warehouse.
func TestDocumentsKeepTheirWord(t *testing.T) {
	root := repository(t)
	readme := read(t, root, "README.md")
	dictionary := read(t, root, "warehouse/README.md")
	t.Chdir(t.TempDir())

	box, err := sandbox.New(sandbox.Options{Seed: 1, Scale: 0.02})
	if err != nil {
		t.Fatal(err)
	}
	address, stop, err := serve("127.0.0.1:0", box.Handler())
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	etl := func(args ...string) (string, error) {
		var out bytes.Buffer
		cmd := newRoot(&app{out: &out, err: io.Discard, env: overlay(box.Env("http://"+address), os.LookupEnv)})
		cmd.SetArgs(append(args, "--config", filepath.Join(root, "pipelines.yaml")))
		err := cmd.ExecuteContext(t.Context())
		return out.String(), err
	}

	if out, err := etl("run"); err != nil {
		t.Fatalf("the first run: %v\n%s", err, out)
	}
	t.Run("comments", func(t *testing.T) { sameComments(t, dictionary) })
	t.Run("queries", func(t *testing.T) {
		for _, query := range append(fenced(readme, "sql"), fenced(dictionary, "sql")...) {
			if n, err := rowsOf(t.Context(), query); err != nil || n == 0 {
				t.Errorf("%d rows, error %v:\n%s", n, err, query)
			}
		}
	})
	t.Run("commands", func(t *testing.T) {
		for _, line := range shellLines(readme) {
			args, ok := strings.CutPrefix(line, "etl ")
			if !ok || args == "schedule" {
				continue
			}
			if out, err := etl(strings.Fields(args)...); err != nil {
				t.Errorf("%s: %v\n%s", line, err, out)
			}
		}
	})
}

// No file says where somebody works.
func TestNoFileNamesAMachine(t *testing.T) {
	root := repository(t)
	var places []string
	for _, top := range []string{"home", "Users", "root", "workspace", "work"} {
		places = append(places, `(?:^|[\s"'=(:\x60])/`+top+`/[\w.-]+`)
	}
	machine := regexp.MustCompile(`(?m)` + strings.Join(places, "|"))
	err := fs.WalkDir(os.DirFS(root), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if path == ".git" || filepath.Dir(path) == "warehouse" && d.Name() != "README.md" {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() {
			return nil
		}
		data, err := os.ReadFile(filepath.Join(root, path))
		if err != nil || bytes.IndexByte(data, 0) >= 0 {
			return err
		}
		if found := machine.Find(data); found != nil {
			t.Errorf("%s names a place on one machine: %q", path, found)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// sameComments compares the dictionary, as people read it, with the comments of
// the database in ./warehouse: the same tables, columns, types and words.
func sameComments(t *testing.T, dictionary string) {
	want := entries(dictionary)
	db := openReadOnly(t)
	rows, err := db.QueryContext(t.Context(), `
		SELECT schema_name || '.' || table_name, column_name, replace(data_type, 'TIMESTAMP WITH TIME ZONE', 'TIMESTAMPTZ'), coalesce(comment, '')
		FROM duckdb_columns() WHERE NOT internal
		UNION ALL
		SELECT schema_name || '.' || table_name, '', '', coalesce(comment, '') FROM duckdb_tables() WHERE NOT internal`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	have := map[string]bool{}
	for rows.Next() {
		var e entry
		if err := rows.Scan(&e.table, &e.column, &e.kind, &e.comment); err != nil {
			t.Fatal(err)
		}
		name := e.table + " " + e.column
		have[name] = true
		if want[name] != e {
			t.Errorf("the database says\n%+v\nand the dictionary\n%+v", e, want[name])
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for name := range want {
		if !have[name] {
			t.Errorf("the dictionary has %s and the database does not", name)
		}
	}
}

// rowsOf runs statements against ./warehouse and counts the rows of the last.
func rowsOf(ctx context.Context, query string) (int, error) {
	db, err := sql.Open("duckdb", "warehouse/analytics.duckdb?access_mode=read_only")
	if err != nil {
		return 0, err
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	n := 0
	for rows.Next() {
		n++
	}
	return n, rows.Err()
}

func openReadOnly(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("duckdb", "warehouse/analytics.duckdb?access_mode=read_only")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// repository is the folder that holds go.mod.
func repository(t testing.TB) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func read(t *testing.T, root, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
