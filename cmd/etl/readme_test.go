package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

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
