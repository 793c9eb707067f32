package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The layers, and what each may import of this module. A package belongs to the
// longest prefix that fits it.
var layers = map[string][]string{
	"nightjar/testdata":                   {},
	"nightjar/extract":                    {},
	"nightjar/extract/transport":          {"nightjar/extract"},
	"nightjar/extract/coverage":           {"nightjar/extract"},
	"nightjar/extract/iadvize":            {"nightjar/extract", "nightjar/extract/coverage", "nightjar/extract/transport"},
	"nightjar/extract/aircall":            {"nightjar/extract", "nightjar/extract/transport"},
	"nightjar/extract/volt":               {"nightjar/extract", "nightjar/extract/transport"},
	"nightjar/extract/desk":               {"nightjar/extract", "nightjar/extract/coverage", "nightjar/extract/transport"},
	"nightjar/extract/clientloop":         {"nightjar/extract", "nightjar/extract/transport"},
	"nightjar/extract/sandbox":            {"nightjar/testdata"},
	"nightjar/extract/extracttest":        {"nightjar/extract", "nightjar/extract/sandbox", "nightjar/extract/transport"}, // for tests alone
	"nightjar/transform":                  {"nightjar/transform/json"},
	"nightjar/transform/json":             {},
	"nightjar/transform/marts":            {}, // tests of the queries, and no code
	"nightjar/load":                       {},
	"nightjar/load/ref":                   {},
	"nightjar/load/landing":               {"nightjar/load", "nightjar/load/ref", "nightjar/load/durable"},
	"nightjar/load/durable":               {},
	"nightjar/load/lock":                  {"nightjar/load/durable"},
	"nightjar/load/runlog":                {"nightjar/load/durable", "nightjar/load/ref"},
	"nightjar/load/column":                {},
	"nightjar/load/column/columntest":     {}, // for tests alone
	"nightjar/load/keyfile":               {},
	"nightjar/load/parquetfile":           {"nightjar/load", "nightjar/load/column"},
	"nightjar/load/partition":             {"nightjar/load", "nightjar/load/column", "nightjar/load/keyfile", "nightjar/load/parquetfile"},
	"nightjar/load/database":              {"nightjar/load"},
	"nightjar/load/generation":            {"nightjar/load", "nightjar/load/durable", "nightjar/load/ref"},
	"nightjar/cmd/etl":                    {"nightjar/cmd/etl/internal", "nightjar/extract", "nightjar/extract/sandbox", "nightjar/load/ref"},
	"nightjar/cmd/etl/internal/budget":    {},
	"nightjar/cmd/etl/internal/schedule":  {},
	"nightjar/cmd/etl/internal/config":    {"nightjar/cmd/etl/internal/budget", "nightjar/cmd/etl/internal/schedule", "nightjar/load/ref"},
	"nightjar/cmd/etl/internal/ledger":    {"nightjar/load/ref"},
	"nightjar/cmd/etl/internal/summary":   {"nightjar/load/ref"},
	"nightjar/cmd/etl/internal/streams":   {"nightjar/cmd/etl/internal/config", "nightjar/extract", "nightjar/transform", "nightjar/load/database", "nightjar/load/ref"},
	"nightjar/cmd/etl/internal/warehouse": joint("budget", "config", "ledger", "summary", "streams"),
	"nightjar/cmd/etl/internal/staging":   joint("config", "summary", "streams", "warehouse"),
	"nightjar/cmd/etl/internal/publish":   joint("config", "ledger", "summary", "streams", "warehouse", "staging"),
	"nightjar/cmd/etl/internal/pipeline":  joint("config", "ledger", "summary", "streams", "warehouse", "staging", "publish"),
	"nightjar/cmd/etl/internal/operate":   joint("config", "ledger", "schedule", "summary", "streams", "warehouse"),
}

// joint is what a package that joins extract, transform and load may import: all of
// these, and the rooms below its own.
func joint(rooms ...string) []string {
	all := []string{"nightjar/extract", "nightjar/transform", "nightjar/load"}
	for _, room := range rooms {
		all = append(all, "nightjar/cmd/etl/internal/"+room)
	}
	return all
}

// below are packages that may import, of what is allowed to them, what lies below it too.
func below(name string) bool { return strings.HasPrefix(name, "nightjar/cmd/etl") }

func TestImportsKeepToTheLayers(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "nightjar/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		names := strings.Fields(line)
		allowed, ok := layers[names[0]]
		if !ok {
			t.Errorf("package %s belongs to no layer; add it to this test", names[0])
			continue
		}
		for _, imported := range names[1:] {
			if strings.HasPrefix(imported, "nightjar/") && !mayImport(allowed, imported, below(names[0])) {
				t.Errorf("%s imports %s; it may import only %v", names[0], imported, allowed)
			}
		}
	}
}

func mayImport(allowed []string, imported string, below bool) bool {
	for _, a := range allowed {
		if imported == a || below && strings.HasPrefix(imported, a+"/") {
			return true
		}
	}
	return false
}

// TestFilesAndFunctionsFitALook holds every file to 300 lines and every function to 60,
// tests included.
func TestFilesAndFunctionsFitALook(t *testing.T) {
	files := 0
	err := filepath.WalkDir(repository(t), func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || d.Name() == ".git"):
			return fs.SkipDir
		case d.IsDir() || filepath.Ext(path) != ".go":
			return nil
		}
		files++
		return fitsALook(t, path)
	})
	if err != nil || files == 0 {
		t.Fatalf("%d files are read: %v", files, err)
	}
}

func fitsALook(t *testing.T, path string) error {
	t.Helper()
	positions := token.NewFileSet()
	file, err := parser.ParseFile(positions, path, nil, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	if n := positions.File(file.FileStart).LineCount(); n > 300 {
		t.Errorf("%s:301: the file has %d lines; want 300 at most", path, n)
	}
	ast.Inspect(file, func(node ast.Node) bool {
		switch node.(type) {
		case *ast.FuncDecl, *ast.FuncLit:
			begins, ends := positions.Position(node.Pos()), positions.Position(node.End())
			if n := ends.Line - begins.Line + 1; n > 60 {
				t.Errorf("%s:%d: the function has %d lines; want 60 at most", path, begins.Line, n)
			}
		}
		return true
	})
	return nil
}
