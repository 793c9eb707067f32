package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The scripts, the versions and the pages of the comparison are in step with each
// other, on a machine that has no Python.
func TestPeersAreInStep(t *testing.T) {
	root := repository(t)
	folder := filepath.Join(root, "testdata", "peers")
	var wanted []string
	for _, p := range peers(folder)[1:] {
		for _, first := range []bool{true, false} {
			wanted = append(wanted, p.command(peerStep{first: first})[0])
		}
	}
	slices.Sort(wanted)
	have, err := filepath.Glob(filepath.Join(folder, "with_*.py"))
	if err != nil {
		t.Fatal(err)
	}
	if wanted = slices.Compact(wanted); !slices.Equal(have, wanted) {
		t.Errorf("the peers run %v, and there are %v", wanted, have)
	}
	for _, name := range []string{"check.py", "merge.sql"} {
		if _, err := os.Stat(filepath.Join(folder, name)); err != nil {
			t.Error(err)
		}
	}
	if info, err := os.Stat(filepath.Join(folder, "run")); err != nil || info.Mode()&0o100 == 0 {
		t.Errorf("testdata/peers/run is no program: %v", err)
	}
	if run := read(t, root, "testdata/peers/run"); !strings.Contains(run, "'^BenchmarkPeers$'") || !strings.Contains(run, "requirements.txt") {
		t.Error("testdata/peers/run does not run what it is for")
	}
}

// The pages that people read name every peer, with the version that was measured.
func TestPeersAreDocumented(t *testing.T) {
	root := repository(t)
	manual := read(t, root, "testdata/peers/README.md")
	_, section, _ := strings.Cut(read(t, root, "README.md"), "<!-- begin: testdata/peers/run -->")
	section, _, closed := strings.Cut(section, "<!-- end: testdata/peers/run -->")
	if !closed {
		t.Fatal("README.md has no table of testdata/peers/run")
	}
	for _, p := range peers("") {
		if !strings.Contains(manual, "`"+p.name+"`") {
			t.Errorf("testdata/peers/README.md does not explain %s", p.name)
		}
		if !strings.Contains(section, "\n| "+p.name+" |") {
			t.Errorf("README.md has no line of %s", p.name)
		}
	}
	for _, name := range []string{benchRowsVar, peersPythonVar, peersOnlyVar, peersSpreadVar, peersTableVar} {
		if !strings.Contains(manual, "`"+name+"`") {
			t.Errorf("testdata/peers/README.md does not explain %s", name)
		}
	}
	pinned := regexp.MustCompile(`^([a-z]+)(?:\[[a-z,]+\])?==([0-9]+(?:\.[0-9]+)+)$`)
	for line := range strings.Lines(read(t, root, "testdata/peers/requirements.txt")) {
		m := pinned.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			t.Errorf("requirements.txt: %q has no version of its own", line)
		} else if !strings.Contains(section, m[1]+" "+m[2]) {
			t.Errorf("README.md has no figures of %s %s: run testdata/peers/run again", m[1], m[2])
		}
	}
}

// A night tells of the last three days and of its new rows, a spread of one row in so
// many: all of them a history's, but for the new ones.
func TestPeersPages(t *testing.T) {
	const rows = 40_000
	history, night, spread, again := t.TempDir(), t.TempDir(), t.TempDir(), t.TempDir()
	if _, err := writeBenchPages(history, rows); err != nil {
		t.Fatal(err)
	}
	read, err := writeNight(night, rows)
	if err != nil {
		t.Fatal(err)
	}
	changed, err := writeSpread(spread, rows)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := writeNight(again, rows); err != nil {
		t.Fatal(err)
	}
	known, nights, spreads := peerNodes(t, history), peerNodes(t, night), peerNodes(t, spread)
	if len(known) != rows || len(nights) != read || len(spreads) != changed || changed != peerSpreadRows {
		t.Fatalf("%d rows, %d in the night of %d, %d in the spread of %d", len(known), len(nights), read, len(spreads), changed)
	}
	count := func(pages map[string]string) (fresh, same, other int) {
		for id, text := range pages {
			switch before, found := known[id]; {
			case !found:
				fresh++
			case before == text:
				same++
			default:
				other++
			}
		}
		return fresh, same, other
	}
	if fresh, same, other := count(nights); fresh != peerNightRows || same == 0 || other != (read-peerNightRows+peerLateOneIn-1)/peerLateOneIn {
		t.Errorf("the night has %d new rows, %d as they were, %d changed", fresh, same, other)
	}
	if fresh, same, other := count(spreads); fresh+same != 0 || other != changed {
		t.Errorf("the spread has %d new rows, %d as they were, %d changed", fresh, same, other)
	}
	if !maps.Equal(nights, peerNodes(t, again)) {
		t.Error("the same night has other pages")
	}
}

// peerNodes reads pages: each conversation, by its id.
func peerNodes(t *testing.T, dir string) map[string]string {
	t.Helper()
	pages, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	nodes := map[string]string{}
	for _, path := range pages {
		var page struct {
			Data struct {
				ClosedConversations struct {
					Edges []struct{ Node json.RawMessage }
				}
			}
		}
		if err := json.Unmarshal([]byte(read(t, dir, filepath.Base(path))), &page); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		for _, edge := range page.Data.ClosedConversations.Edges {
			var id struct{ ID string }
			if err := json.Unmarshal(edge.Node, &id); err != nil {
				t.Fatal(err)
			}
			nodes[id.ID] = string(edge.Node)
		}
	}
	return nodes
}

// A peer with other rows is not taken for one that did the same.
func TestPeersWithOtherRowsSaySo(t *testing.T) {
	sums := func(rows float64, sum string) peerSums {
		return peerSums{"Parquet": {"conversations": {rows, sum}}}
	}
	for want, theirs := range map[string]peerSums{
		"same rows":                          sums(3, "7"),
		"Parquet has 4 conversations, not 3": sums(4, "7"),
		"Parquet has other conversations":    sums(3, "8"),
	} {
		if have := theirs.differences(sums(3, "7")); have != want {
			t.Errorf("%q, want %q", have, want)
		}
	}
	results := []peerResult{{peer: "Nightjar", step: peerStep{name: "step", rows: 1, first: true}, took: 1, sums: sums(3, "7")},
		{peer: "other", step: peerStep{name: "step", rows: 1, first: true}, took: 2, sums: sums(4, "7")}}
	if table := peersTable(results, []peerStep{results[0].step}); !strings.Contains(table, "| Parquet has 4 conversations, not 3 |") {
		t.Errorf("the table does not say so:\n%s", table)
	}
}
