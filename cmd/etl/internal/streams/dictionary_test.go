package streams_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the data dictionary again")

var dictionaryFile = filepath.Join("..", "..", "..", "..", "warehouse", "README.md")

// The dictionary that people read is the one that the definitions give.
func TestDictionaryFile(t *testing.T) {
	want := dictionary()
	if *update {
		if err := os.WriteFile(dictionaryFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(dictionaryFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, want) {
		t.Errorf("warehouse/README.md does not say what the definitions say; `go generate ./...` writes it again")
	}
}

// Every Markdown table has as many cells in each line, whatever a comment holds.
func TestDictionaryTables(t *testing.T) {
	cells := 0
	for line := range strings.Lines(string(dictionary())) {
		if !strings.HasPrefix(line, "|") {
			cells = 0
			continue
		}
		n := strings.Count(line, "|")
		if cells != 0 && n != cells {
			t.Errorf("the line has %d cell borders where its table has %d: %s", n, cells, line)
		}
		cells = n
	}
}
