package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/format"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// byHand is what a sixth vendor adds to files that there are: the registries of the
// sandbox, of the configuration and of the streams, and the layers. All else is new.
var byHand = []struct{ file, after, add string }{
	{"extract/sandbox/sandbox.go", "\t{\"clientloop\", newClientLoop},\n", "\t{\"sixth\", newSixth},\n"},
	{"cmd/etl/internal/config/source.go", "\tClientLoop *ClientLoop\n", "\tSixth      *Sixth\n"},
	{"cmd/etl/internal/config/source.go", "clientloopKeys(), \"idv_sessions\"),\n",
		"\t\tsource(\"sixth\", \"Sixth: tickets.\", func(s *Sources) **Sixth { return &s.Sixth }, sixthKeys(), \"tickets\"),\n"},
	{"cmd/etl/internal/streams/registry.go", "deskConversations, sessions", ", tickets"},
	{"cmd/etl/policy_test.go", "\t\"nightjar/extract/clientloop\":         {\"nightjar/extract\", \"nightjar/extract/transport\"},\n",
		"\t\"nightjar/extract/sixth\":              {\"nightjar/extract\", \"nightjar/extract/transport\"},\n"},
}

// A sixth vendor is a folder of new files, and a line or two in each of four others:
// with them it is exported as any other is, and the layers hold.
func TestASixthVendor(t *testing.T) {
	if testing.Short() {
		t.Skip("another program is linked")
	}
	root := repository(t)
	flags := strings.TrimSpace(os.Getenv("GOFLAGS") + " -overlay=" + withSixth(t, root))
	run := func(folder, name string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Dir, cmd.Env = filepath.Join(root, folder), append(os.Environ(), "GOFLAGS="+flags)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", cmd, err, out)
		}
		return string(out)
	}
	run("", "go", "vet", "./extract/sandbox", "./transform", "./cmd/etl/internal/config")
	// A folder that is in the overlay alone is none to vet or to run a test in, and a
	// test that runs sees no file of it.
	for _, c := range []struct {
		folder, in string
		tests      []string
	}{
		{"extract/sixth", sixth, []string{"TestConformance"}},
		{"transform", sixth + "transform", []string{"TestGolden/sixth/plain", "TestMutatedPages/sixth/tickets", "TestBatchBorders/sixth/tickets"}},
		{"cmd/etl/internal/streams", "cmd/etl/internal/streams", []string{"TestSixthIsInTheDictionary", "TestTables", "TestStreams"}},
		{"cmd/etl", "cmd/etl", []string{"TestSixth", "TestSixthIsDescribed", "TestImportsKeepToTheLayers"}},
	} {
		binary := filepath.Join(t.TempDir(), "tests")
		run("", "go", "test", "-vet=off", "-c", "-o", binary, "./"+c.folder)
		for _, name := range c.tests {
			out := run(c.in, binary, "-test.v", "-test.run", "^"+strings.ReplaceAll(name, "/", "$/^")+"$")
			if !strings.Contains(out, "--- PASS: "+name) {
				t.Errorf("%s of %s is not run:\n%s", name, c.folder, out)
			}
		}
	}
}

// sixth holds the new files, each where it would be in the tree.
const sixth = "cmd/etl/testdata/sixth/"

// withSixth is the overlay that adds the files of testdata/sixth, none of which may
// be there already, and what is added by hand.
func withSixth(t *testing.T, root string) string {
	t.Helper()
	files := map[string]string{} // by the place in the tree
	folder := filepath.Join(root, sixth)
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		place := filepath.Join(root, strings.TrimPrefix(path, folder))
		if _, err := os.Stat(place); err == nil {
			return fmt.Errorf("%s is no new file", place)
		}
		files[place] = path
		return nil
	})
	if err != nil || len(files) == 0 {
		t.Fatalf("%d new files, %v", len(files), err)
	}
	changed := map[string]string{}
	for _, line := range byHand {
		text, ok := changed[line.file]
		if !ok {
			text = read(t, root, line.file)
		}
		if n := strings.Count(text, line.after); n != 1 {
			t.Fatalf("%s has %q %d times; want it once, to add %q after it", line.file, line.after, n, line.add)
		}
		changed[line.file] = strings.Replace(text, line.after, line.after+line.add, 1)
	}
	temp := t.TempDir()
	for file, text := range changed {
		if formatted, err := format.Source([]byte(text)); err != nil || !bytes.Equal(formatted, []byte(text)) {
			t.Errorf("%s is not formatted with what is added: %v", file, err)
		}
		copied := filepath.Join(temp, strings.ReplaceAll(file, "/", "_"))
		if err := os.WriteFile(copied, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		files[filepath.Join(root, file)] = copied
	}
	text, err := json.Marshal(map[string]any{"Replace": files})
	if err != nil {
		t.Fatal(err)
	}
	overlay := filepath.Join(temp, "overlay.json")
	if err := os.WriteFile(overlay, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return overlay
}
