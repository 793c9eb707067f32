package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/extract"
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

// writeReport prints the summary of a run.
func writeReport(w io.Writer, r *pipeline.Report) {
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
func alike(all []*pipeline.Leg) string {
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
func writeWindows(w io.Writer, l *pipeline.Leg) {
	unwalked := 0
	for _, win := range l.Windows {
		nothing := win.Fetched == 0 && win.Pages == 0
		switch {
		case win.Status == pipeline.Complete, win.Reason == l.Reason && nothing:
		case win.Status == pipeline.Interrupted && l.Status == pipeline.Failed && nothing:
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

// writePlans prints what a run would ask for.
func writePlans(w io.Writer, plans []pipeline.Plan, zone *time.Location) {
	if len(plans) > 0 && len(plans[0].Rebuild) > 0 {
		fmt.Fprintf(w, "%s: the tables are first made anew of what has landed\n", strings.Join(plans[0].Rebuild, "; "))
	}
	for _, p := range plans {
		calls := "an unknown number of requests"
		if p.Calls > 0 {
			calls = fmt.Sprintf("about %d requests", p.Calls)
		}
		fmt.Fprintf(w, "%s (%s %s): %d windows, %s", p.Pipeline, p.Source, p.Stream, len(p.Windows), calls)
		if p.Adopts > 0 {
			fmt.Fprintf(w, "; takes over %d landed runs", p.Adopts)
		}
		fmt.Fprintln(w)
		for i, win := range p.Windows {
			if i == 10 && len(p.Windows) > 12 {
				fmt.Fprintf(w, "  … %d more, through %s\n", len(p.Windows)-i, p.Windows[len(p.Windows)-1].ID)
				break
			}
			fmt.Fprintf(w, "  %s%s%s\n", win.ID, span(win.From, win.To, zone), expected(win.Calls))
		}
	}
}

// expected is ", about 12 requests"; empty where nobody knows.
func expected(calls int) string {
	if calls == 0 {
		return ""
	}
	return fmt.Sprintf(", about %d requests", calls)
}

func span(from, to time.Time, zone *time.Location) string {
	if from.IsZero() {
		return ""
	}
	return fmt.Sprintf("  %s to %s", from.In(zone).Format(time.RFC3339), to.In(zone).Format(time.RFC3339))
}

// writeChecks prints what an online check found.
func writeChecks(w io.Writer, all []pipeline.Checked) {
	failed := map[string][]string{} // pipelines by error
	for _, c := range all {
		failed[c.Error] = append(failed[c.Error], c.Pipeline)
	}
	for _, c := range all {
		switch {
		case c.Error != "" && failed[c.Error][0] == c.Pipeline:
			fmt.Fprintf(w, "%s: %s\n", strings.Join(failed[c.Error], ", "), c.Error)
		case c.Error != "":
		case len(c.Findings) == 0:
			fmt.Fprintf(w, "%s: signed in; the vendor's schema has what the pipeline asks\n", c.Pipeline)
		}
		for _, f := range c.Findings {
			kind := "drift"
			if f.Breaking {
				kind = "breaks the query"
			}
			fmt.Fprintf(w, "%s: %s: %s: %s\n", c.Pipeline, kind, f.Path, f.What)
		}
	}
}

// writeGenerations prints the list of generations.
func writeGenerations(w io.Writer, all []pipeline.Generation) {
	t := newTable(w, table.Row{"generation", "", "created", "run", "rows", "MB"}, "generation", "rows", "MB")
	for _, g := range all {
		live := ""
		if g.Live {
			live = "live"
		}
		if g.Problem != "" {
			t.AppendRow(table.Row{g.Number, live, "cannot be read"})
			continue
		}
		t.AppendRow(table.Row{g.Number, live, g.Created.Format(time.RFC3339), g.RunID, g.Rows, fmt.Sprintf("%.1f", float64(g.Bytes)/1e6)})
	}
	t.Render()
	for _, g := range all {
		if g.Problem != "" {
			fmt.Fprintln(w, g.Problem)
		}
	}
}

// writeVerified prints the result of a verification.
func writeVerified(w io.Writer, v *pipeline.Verified) {
	for _, p := range v.Problems {
		fmt.Fprintln(w, p)
	}
	verdict := "is whole"
	if len(v.Problems) > 0 {
		verdict = fmt.Sprintf("has %d problems", len(v.Problems))
	}
	fmt.Fprintf(w, "generation %d %s: %d files, %d tables and marts, %d rows\n", v.Generation, verdict, v.Files, v.Tables, v.Rows)
}

// writeLanding prints the result of a verification of the landing zone.
func writeLanding(w io.Writer, v *pipeline.CheckedLanding) {
	for _, ref := range v.SetAside {
		fmt.Fprintf(w, "%s is damaged; a run has set it aside and gone on\n", ref)
	}
	for _, p := range v.Problems {
		fmt.Fprintln(w, p)
	}
	verdict := "is whole"
	if len(v.Problems) > 0 {
		verdict = fmt.Sprintf("has %d problems", len(v.Problems))
	}
	fmt.Fprintf(w, "the landing zone %s: %d runs, %d pages, %.1f MB as the vendors sent them\n", verdict, v.Runs, v.Pages, float64(v.Bytes)/1e6)
}

// writeState prints how the warehouse stands.
func writeState(w io.Writer, s *pipeline.State, zone *time.Location) {
	if s.Generation == 0 {
		fmt.Fprintf(w, "%s is empty: no run has published yet\n", s.Warehouse)
	} else {
		fmt.Fprintf(w, "%s: generation %d is live, published %s\n", s.Warehouse, s.Generation, s.Created.In(zone).Format(time.RFC3339))
	}
	t := newTable(w, table.Row{"pipeline", "last run", "status", "fresh as of", "next run"})
	for _, p := range s.Pipelines {
		last, status := "never", ""
		if p.Last != nil {
			last, status = p.Last.Started.In(zone).Format("2006-01-02 15:04"), p.Last.Status
		}
		next := "not enabled"
		if p.Enabled {
			next = minute(p.Next, zone)
		}
		t.AppendRow(table.Row{p.Pipeline, last, status, minute(p.FreshAsOf, zone), next})
	}
	t.Render()
	for _, p := range s.Pipelines {
		if p.Bookmark != "" {
			fmt.Fprintf(w, "%s: bookmark %s\n", p.Pipeline, p.Bookmark)
		}
		if p.Last != nil && p.Last.Reason != "" {
			fmt.Fprintf(w, "%s: last run %s is %s: %s\n", p.Pipeline, p.Last.RunID, p.Last.Status, p.Last.Reason)
		}
		for _, waiting := range p.Waiting {
			fmt.Fprintf(w, "%s: run %s %s: %s%s\n", p.Pipeline, waiting.RunID, waiting.Status, waiting.Reason, acceptHint(p.Pipeline, waiting))
		}
		for _, what := range p.NotAsked {
			fmt.Fprintf(w, "%s: %s\n", p.Pipeline, what)
		}
		writeUnknown(w, p, zone)
	}
}

// listedContacts is how many contacts are named in the text; --json has them all.
const listedContacts = 20

// writeUnknown lists the writes of which nobody knows whether they were done, and
// says what to do.
func writeUnknown(w io.Writer, p pipeline.PipelineState, zone *time.Location) {
	if len(p.Unknown) == 0 {
		return
	}
	fmt.Fprintf(w, "%s: the outcome of the last request is unknown for %d contacts: look at the vendor whether they have a session (retry_unknown: 24h in the pipeline asks again after a day)\n",
		p.Pipeline, len(p.Unknown))
	for i, u := range p.Unknown {
		if i == listedContacts {
			fmt.Fprintf(w, "  and %d more: etl status --json, or clientloop.idv_requests\n", len(p.Unknown)-i)
			return
		}
		again := "is not repeated"
		if !u.Again.IsZero() {
			again = "is repeated from " + minute(u.Again, zone) + " on"
		}
		fmt.Fprintf(w, "  %s: requested %s by run %s, %s\n", u.Contact, minute(u.At, zone), u.RunID, again)
	}
}

func acceptHint(name string, w pipeline.Waiting) string {
	if !w.Held() {
		return ""
	}
	return fmt.Sprintf(" (see: etl held show %s %s)", w.RunID, name)
}

func minute(t time.Time, zone *time.Location) string {
	if t.IsZero() {
		return ""
	}
	return t.In(zone).Format("2006-01-02 15:04")
}

// martRows is how many rows of each mart the demo shows.
const martRows = 5

// printMarts prints the newest rows of each mart.
func (a *app) printMarts(ctx context.Context, r *pipeline.Runner) error {
	return r.EachMart(ctx, martRows, func(m pipeline.MartSample) {
		fmt.Fprintf(a.out, "\nmarts.%s: %s (%d of %d rows)\n", m.Name, m.Comment, len(m.Rows), m.Total)
		header := make(table.Row, len(m.Columns))
		for i, c := range m.Columns {
			header[i] = c
		}
		t := newTable(a.out, header)
		for _, cells := range m.Rows {
			row := make(table.Row, len(cells))
			for i, c := range cells {
				row[i] = strings.TrimSpace(extract.Printable(c)) // a vendor's words
			}
			t.AppendRow(row)
		}
		t.Render()
	})
}

func requestAll() pipeline.Request { return pipeline.Request{} }
