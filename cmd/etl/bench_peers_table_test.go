package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// peerResult is what one step took a peer, and what stood there afterwards.
type peerResult struct {
	peer       string
	step       peerStep
	took, user time.Duration
	peak       int64 // resident memory, bytes
	written    int64 // bytes handed to the system; -1 where it does not count
	sums       peerSums
}

// peerSums are, by place (Parquet or DuckDB) and table, the number of rows and the sum
// of their hashes.
type peerSums map[string]map[string][2]any

// checkPeer reads what a peer has made.
func checkPeer(b *testing.B, p peer, python, scripts, dir string) peerSums {
	b.Helper()
	database := "analytics.duckdb"
	switch {
	case p.schema == "":
		database = ""
	case p.command == nil:
		database = filepath.Join("warehouse", database)
	}
	cmd := exec.Command(python, filepath.Join(scripts, "check.py"), p.files, database, p.schema)
	cmd.Dir = dir
	out, err := cmd.Output()
	var sums peerSums
	if err = errors.Join(err, json.Unmarshal(out, &sums)); err != nil {
		b.Fatalf("%s: %v", p.name, err)
	}
	return sums
}

// differences says where the rows are not those of another.
func (s peerSums) differences(ours peerSums) string {
	var all []string
	for _, place := range slices.Sorted(maps.Keys(s)) {
		for _, table := range slices.Sorted(maps.Keys(s[place])) {
			has, want := s[place][table], ours[place][table]
			switch {
			case has[0] != want[0]:
				all = append(all, fmt.Sprintf("%s has %.0f %s, not %.0f", place, has[0], table, want[0]))
			case has[1] != want[1]:
				all = append(all, fmt.Sprintf("%s has other %s", place, table))
			}
		}
	}
	if all == nil {
		return "same rows"
	}
	return strings.Join(all, "; ")
}

// peersTable is one table of all results, by step, the program's first. Numbers in
// brackets are theirs for one of the program's.
func peersTable(results []peerResult, steps []peerStep) string {
	var out strings.Builder
	out.WriteString("| | seconds | user CPU, s | peak, MB | written, MB | rows/s | result |\n| --- | --: | --: | --: | --: | --: | --- |\n")
	for i, s := range steps {
		if i > 0 && s.first {
			continue // it makes the history of the step behind it
		}
		fmt.Fprintf(&out, "| **%s** | | | | | | |\n", s.name)
		var ours peerResult
		for _, r := range results {
			if r.step.pages != s.pages {
				continue
			}
			result := r.sums.differences(ours.sums)
			if ours.peer == "" {
				ours, result = r, "–"
			}
			ratio := func(theirs, of float64) string { return fmt.Sprintf("%.2f (%.1f)", theirs, theirs/of) }
			written := "–"
			if r.written >= 0 {
				written = fmt.Sprintf("%.0f", float64(r.written)/1e6)
			}
			fmt.Fprintf(&out, "| %s | %s | %s | %.0f | %s | %s | %s |\n", r.peer, ratio(r.took.Seconds(), ours.took.Seconds()),
				ratio(r.user.Seconds(), ours.user.Seconds()), float64(r.peak)/1e6, written, peersCount(int(float64(s.rows)/r.took.Seconds())), result)
		}
	}
	return out.String()
}

// peersCount writes a number with commas.
func peersCount(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// peersMachine tells the day, and what it was measured on.
func peersMachine() string {
	memory := ""
	if text, err := os.ReadFile("/proc/meminfo"); err == nil {
		var kilobytes int64
		if _, err := fmt.Sscanf(string(text), "MemTotal: %d kB", &kilobytes); err == nil {
			memory = fmt.Sprintf(", %.0f GB of memory", float64(kilobytes)*1024/1e9)
		}
	}
	return fmt.Sprintf("%s; %d cores%s, %s/%s.", time.Now().UTC().Format("2 January 2006"), runtime.NumCPU(), memory, runtime.GOOS, runtime.GOARCH)
}
