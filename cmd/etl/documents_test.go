package main

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
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

// Whatever is not run above is a command all the same: programs of this module
// exist, and every etl command, in prose and in blocks, has the words it is given.
func TestReadmeNamesRealCommands(t *testing.T) {
	root := repository(t)
	readme := read(t, root, "README.md")
	inline := regexp.MustCompile("`(etl [^`]+)`")
	lines := append(shellLines(readme), fenced(readme, "ini")...)
	for _, m := range inline.FindAllStringSubmatch(readme, -1) {
		lines = append(lines, m[1])
	}
	command := regexp.MustCompile(`(?m)(?:^|/bin/|\./cmd/)etl (.+)$`)
	for _, line := range lines {
		m := command.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		cmd, rest, err := newRoot(&app{out: io.Discard, err: io.Discard}).Find(strings.Fields(m[1]))
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		if err := cmd.ParseFlags(rest); err != nil {
			t.Errorf("%s: %v", line, err)
		}
		if !cmd.HasParent() {
			t.Errorf("%s: no such command", line)
		}
	}
	for _, m := range regexp.MustCompile(`go (?:run|install|generate|test) (\./\S+)`).FindAllStringSubmatch(readme, -1) {
		if _, err := os.Stat(filepath.Join(root, strings.TrimSuffix(m[1], "/..."))); err != nil {
			t.Errorf("%s: %v", m[0], err)
		}
	}
	for _, m := range regexp.MustCompile(`\]\(([^)#]+)\)`).FindAllStringSubmatch(readme, -1) {
		if _, err := os.Stat(filepath.Join(root, m[1])); err != nil {
			t.Errorf("the link to %s leads nowhere", m[1])
		}
	}
}

func TestReadmeListsTheCommands(t *testing.T) {
	var want []string
	for _, cmd := range newRoot(&app{out: io.Discard, err: io.Discard}).Commands() {
		if cmd.IsAvailableCommand() && cmd.Name() != "help" {
			want = append(want, "`etl "+cmd.Name()+"`")
		}
	}
	have := firstCells(t, read(t, repository(t), "README.md"), "command")
	slices.Sort(have)
	slices.Sort(want)
	if !slices.Equal(have, want) {
		t.Errorf("README.md lists %v, the program has %v", have, want)
	}
}

func TestReadmeListsTheExitCodes(t *testing.T) {
	var want []string
	for _, code := range []int{exitOK, exitFailed, exitUsage, exitIncomplete, exitInterrupted} {
		want = append(want, strconv.Itoa(code))
	}
	if have := firstCells(t, read(t, repository(t), "README.md"), "exit code"); !slices.Equal(have, want) {
		t.Errorf("README.md lists the exit codes %v, the program has %v", have, want)
	}
	help := newRoot(&app{out: io.Discard, err: io.Discard}).Long
	_, codes, _ := strings.Cut(help, "Exit codes:")
	if have := regexp.MustCompile(`\d+`).FindAllString(codes, -1); !slices.Equal(have, want) {
		t.Errorf("etl --help lists the exit codes %v, the program has %v", have, want)
	}
}

// Every variable that an enabled pipeline cannot do without is in README.md, and
// none that nothing reads.
func TestReadmeListsTheVariables(t *testing.T) {
	root := repository(t)
	var have []string
	for _, cell := range firstCells(t, read(t, root, "README.md"), "variable") {
		have = append(have, regexp.MustCompile(`[A-Z_]+`).FindAllString(cell, -1)...)
	}
	var out bytes.Buffer
	cmd := newRoot(&app{out: &out, err: io.Discard, env: func(string) (string, bool) { return "", false }})
	cmd.SetArgs([]string{"check", "--config", filepath.Join(root, "pipelines.yaml")})
	problem := fmt.Sprint(cmd.ExecuteContext(t.Context()))
	var want []string
	for _, m := range regexp.MustCompile(`variable ([A-Z_]+) is not set`).FindAllStringSubmatch(problem, -1) {
		want = append(want, m[1])
	}
	slices.Sort(have)
	slices.Sort(want)
	if len(want) == 0 || !slices.Equal(have, want) {
		t.Errorf("README.md lists %v, `etl check` asks for %v", have, want)
	}
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

// entry is a table (no column) or a column, and what is said of it.
type entry struct{ table, column, kind, comment string }

// entries reads the dictionary's tables. The cells of a column make its comment.
func entries(dictionary string) map[string]entry {
	all := map[string]entry{}
	table, heads := "", []string(nil)
	for line := range strings.Lines(dictionary) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "#"):
			table, heads = "", nil
			if name, ok := strings.CutPrefix(line, "### `"); ok {
				table = strings.TrimSuffix(name, "`")
			}
		case table == "" || line == "" || strings.HasPrefix(line, "| ---"):
		case !strings.HasPrefix(line, "|"):
			comment := line[:max(strings.LastIndex(line, ". Key: "), strings.LastIndex(line, ". Grain: "))]
			all[table+" "] = entry{table: table, comment: comment}
		case heads == nil:
			heads = cells(line)
		default:
			e := entry{table: table}
			for i, cell := range cells(line) {
				switch head := heads[i]; {
				case head == "column":
					e.column = strings.Trim(cell, "`")
				case head == "type":
					e.kind = cell
				case head == "meaning":
					e.comment = cell
				case cell != "" && cell != "none":
					e.comment += "; " + head + ": " + cell
				}
			}
			all[table+" "+e.column] = e
		}
	}
	return all
}

// cells returns the cells of a line of a Markdown table.
func cells(line string) []string {
	all := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
	for i, c := range all {
		all[i] = strings.TrimSpace(c)
	}
	return all
}

// firstCells returns the first column of the Markdown table with that heading.
func firstCells(t *testing.T, markdown, head string) []string {
	t.Helper()
	var all []string
	inside := false
	for line := range strings.Lines(markdown) {
		row := strings.TrimSpace(line)
		switch {
		case !strings.HasPrefix(row, "|"):
			inside = false
		case cells(row)[0] == head:
			inside = true
		case inside && !strings.HasPrefix(row, "| ---"):
			all = append(all, cells(row)[0])
		}
	}
	if all == nil {
		t.Fatalf("there is no table of %q", head)
	}
	return all
}

// fenced returns the code blocks of a language, without what indents them.
func fenced(markdown, language string) []string {
	var all []string
	var block []string
	inside := false
	for line := range strings.Lines(markdown) {
		switch text := strings.TrimSpace(line); {
		case text == "```"+language:
			inside, block = true, nil
		case inside && text == "```":
			inside, all = false, append(all, strings.Join(block, "\n"))
		case inside:
			block = append(block, text)
		}
	}
	return all
}

func shellLines(markdown string) []string {
	return strings.Split(strings.Join(fenced(markdown, "sh"), "\n"), "\n")
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
func repository(t *testing.T) string {
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
