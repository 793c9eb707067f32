package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"nightjar/extract/sandbox"
)

// The scripts are the promises of the command line. Beside the commands of
// testscript they have:
//
//	etl ARG...        the program, in a process of its own
//	code N ARG...     the program; its exit code must be N
//	sandbox [FAULT...]  starts simulated vendors and sets the variables to them
//	network off       unsets the variables again, and stops the vendors
//	asked N           the vendors were asked N times since they were started
//	onejson           the last stdout is exactly one JSON document
//	damage GLOB       flips one byte in the middle of every file that fits
//	capture VAR PATTERN  sets a variable to the first group in the last stdout
//	change OLD NEW    puts NEW in the place of OLD in pipelines.yaml
//	empty DIR         DIR has no file in it, or is not there
//	await GLOB [TEXT] waits until there is a file that fits, and that has the text in it
func TestScripts(t *testing.T) {
	config, err := filepath.Abs("../../pipelines.yaml")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			text, err := os.ReadFile(config)
			if err != nil {
				return err
			}
			e.Values[vendorsKey{}] = &vendors{}
			return os.WriteFile(filepath.Join(e.WorkDir, "pipelines.yaml"), text, 0o644)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code": code, "sandbox": startVendors, "network": networkOff, "asked": asked,
			"onejson": oneJSON, "capture": capture, "change": change, "damage": damage, "tamper": tamper, "empty": empty, "await": await,
		},
	})
}

// vendors are the simulated vendors of one script.
type vendors struct {
	server *httptest.Server
	asked  atomic.Int64
	names  []string // of the variables that are set
}

type vendorsKey struct{}

func vendorsOf(ts *testscript.TestScript) *vendors { return ts.Value(vendorsKey{}).(*vendors) }

func startVendors(ts *testscript.TestScript, neg bool, faults []string) {
	box, err := sandbox.New(sandbox.Options{Seed: 1, Scale: 0.2, Faults: faults})
	ts.Check(err)
	v := vendorsOf(ts)
	handler := box.Handler()
	v.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v.asked.Add(1)
		handler.ServeHTTP(w, r)
	}))
	ts.Defer(v.server.Close)
	for name, value := range box.Env(v.server.URL) {
		ts.Setenv(name, value)
		v.names = append(v.names, name)
	}
}

func networkOff(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 || args[0] != "off" {
		ts.Fatalf("usage: network off")
	}
	v := vendorsOf(ts)
	v.server.Close()
	for _, name := range v.names {
		ts.Setenv(name, "") // the same as unset, to the program
	}
}

func asked(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.ParseInt(args[0], 10, 64)
	ts.Check(err)
	if n := vendorsOf(ts).asked.Load(); (n == want) == neg {
		ts.Fatalf("the vendors were asked %d times", n)
	}
}

func code(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec("etl", args[1:]...)
	got := 0
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("etl %s: exit code %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}

// change edits the configuration.
func change(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs("pipelines.yaml")
	text := ts.ReadFile(path)
	if !strings.Contains(text, args[0]) {
		ts.Fatalf("pipelines.yaml has no %s", args[0])
	}
	ts.Check(os.WriteFile(path, []byte(strings.Replace(text, args[0], args[1], 1)), 0o600))
}

// capture sets a variable to the first group of a pattern in what was printed last.
func capture(ts *testscript.TestScript, _ bool, args []string) {
	found := regexp.MustCompile(args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if len(found) < 2 {
		ts.Fatalf("nothing in stdout fits %s", args[1])
	}
	ts.Setenv(args[0], found[1])
}

func oneJSON(ts *testscript.TestScript, neg bool, _ []string) {
	decoder := json.NewDecoder(strings.NewReader(ts.ReadFile("stdout")))
	var document any
	if err := decoder.Decode(&document); err != nil {
		ts.Fatalf("stdout is no JSON: %v", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		ts.Fatalf("something follows the JSON document")
	}
}

func damage(ts *testscript.TestScript, neg bool, args []string) {
	files, err := filepath.Glob(ts.MkAbs(args[0]))
	ts.Check(err)
	if len(files) == 0 {
		ts.Fatalf("no file fits %s", args[0])
	}
	for _, name := range files {
		content, err := os.ReadFile(name)
		ts.Check(err)
		content[len(content)/2] ^= 0x40
		ts.Check(os.Chmod(name, 0o644))
		ts.Check(os.WriteFile(name, content, 0o644))
	}
}

// tamper runs a statement on the live database, whoever may write it. WAREHOUSE in it is
// the folder.
func tamper(ts *testscript.TestScript, _ bool, args []string) {
	folder := ts.MkAbs("warehouse")
	path := filepath.Join(folder, "current", "analytics.duckdb")
	ts.Check(os.Chmod(path, 0o644))
	db, err := sql.Open("duckdb", path)
	ts.Check(err)
	defer db.Close()
	_, err = db.Exec(strings.ReplaceAll(args[0], "WAREHOUSE", folder))
	ts.Check(err)
}

func empty(ts *testscript.TestScript, neg bool, args []string) {
	err := filepath.WalkDir(ts.MkAbs(args[0]), func(name string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			return fmt.Errorf("there is %s", name)
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if (err == nil) == neg {
		ts.Fatalf("%s: %v", args[0], err)
	}
}

// await waits for what a program in the background does.
func await(ts *testscript.TestScript, _ bool, args []string) {
	text := strings.Join(args[1:], " ")
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		files, err := filepath.Glob(ts.MkAbs(args[0]))
		ts.Check(err)
		for _, name := range files {
			if content, err := os.ReadFile(name); err == nil && bytes.Contains(content, []byte(text)) {
				return
			}
		}
	}
	ts.Fatalf("no file %s has %q in it", args[0], text)
}
