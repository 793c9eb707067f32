package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"nightjar/cmd/etl/internal/summary"
)

// newTable is a table in the one style of the program. Columns named in right
// are numbers.
func newTable(w io.Writer, header table.Row, right ...string) table.Writer {
	t := table.NewWriter()
	t.SetOutputMirror(w)
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header = text.FormatDefault
	t.AppendHeader(header)
	var configs []table.ColumnConfig
	for _, name := range right {
		configs = append(configs, table.ColumnConfig{Name: name, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	t.SetColumnConfigs(configs)
	return t
}

// writeSummary prints the summary of a run.
func writeSummary(w io.Writer, r *summary.Summary) {
	t := newTable(w, table.Row{"pipeline", "status", "windows", "requests", "new", "changed", "unchanged", "rejects", "vendor total", "loaded", "duration"},
		"windows", "requests", "new", "changed", "unchanged", "rejects", "vendor total", "loaded", "duration")
	for _, l := range r.Pipelines {
		t.AppendRow(table.Row{l.Pipeline, l.Status, len(l.Windows), l.Requests, l.New, l.Changed, l.Unchanged, l.Rejects,
			total(l.VendorTotal), l.Loaded, duration(l.Finished.Sub(l.Started))})
	}
	t.Render()
	told := map[string]bool{} // reasons of pipelines before
	for i, l := range r.Pipelines {
		if l.Reason != "" && !told[l.Reason] {
			told[l.Reason] = true
			fmt.Fprintf(w, "%s %s: %s\n", alike(r.Pipelines[i:]), l.Status, l.Reason)
		}
		writeWindows(w, l)
		for _, finding := range l.Findings {
			fmt.Fprintf(w, "%s: schema drift: %s\n", l.Pipeline, finding)
		}
	}
	for _, found := range r.Damage {
		fmt.Fprintf(w, "damage: %s\n", found)
	}
	if r.Reason != "" {
		fmt.Fprintln(w, r.Reason)
	}
	for _, next := range r.Next {
		fmt.Fprintf(w, "next: %s\n", next)
	}
	if r.Generation > 0 {
		fmt.Fprintf(w, "run %s is %s and published generation %d in %s (%s)\n", r.RunID, r.Status, r.Generation, r.Warehouse, duration(r.Finished.Sub(r.Started)))
	} else {
		fmt.Fprintf(w, "run %s is %s and published nothing; %s (%s)\n", r.RunID, r.Status, stays(r.Parent), duration(r.Finished.Sub(r.Started)))
	}
}

// alike is "waves is", or "messages, waves are" where others ended as the first of
// the pipelines did, for the same reason.
func alike(all []*summary.Leg) string {
	var names []string
	for _, l := range all {
		if l.Status == all[0].Status && l.Reason == all[0].Reason {
			names = append(names, l.Pipeline)
		}
	}
	if len(names) > 1 {
		return strings.Join(names, ", ") + " are"
	}
	return names[0] + " is"
}

// writeWindows prints the windows of a pipeline that are not complete and have more
// to say than the pipeline: those that brought nothing are counted.
func writeWindows(w io.Writer, l *summary.Leg) {
	unwalked := 0
	for _, win := range l.Windows {
		nothing := win.Fetched == 0 && win.Pages == 0
		switch {
		case win.Status == summary.Complete, win.Reason == l.Reason && nothing:
		case win.Status == summary.Interrupted && l.Status == summary.Failed && nothing:
			unwalked++
		default:
			fmt.Fprintf(w, "%s: window %s is %s: %s (fetched %d, loaded %d, superseded %d, rejected %d)\n",
				l.Pipeline, win.ID, win.Status, win.Reason, win.Fetched, win.Loaded, win.Superseded, win.Rejected)
		}
	}
	if unwalked > 0 {
		fmt.Fprintf(w, "%s: %d other windows were not walked\n", l.Pipeline, unwalked)
	}
}

func stays(parent int) string {
	if parent == 0 {
		return "the warehouse is empty"
	}
	return fmt.Sprintf("generation %d stays live", parent)
}

func total(n int64) string {
	if n < 0 {
		return "–"
	}
	return strconv.FormatInt(n, 10)
}

func duration(d time.Duration) string {
	if d < time.Second {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(100 * time.Millisecond).String()
}

func minute(t time.Time, zone *time.Location) string {
	if t.IsZero() {
		return ""
	}
	return t.In(zone).Format("2006-01-02 15:04")
}
