package main

import (
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"nightjar/cmd/etl/internal/operate"
	"nightjar/cmd/etl/internal/pipeline"
)

// history prints runs as their records are read, newest first: so many, or all for zero.
func (a *app) history(r *pipeline.Runner, limit int) error {
	all, err := operate.History(r.Site)
	if err != nil {
		return err
	}
	runs := first(all, limit)
	if a.json {
		return printArray(a.out, runs)
	}
	return writeHistory(a.out, runs, r.Now(), r.Config.Timezone)
}

// first yields the first n of all, or all of them for zero.
func first[T any](all iter.Seq[T], n int) iter.Seq[T] {
	if n == 0 {
		return all
	}
	return func(yield func(T) bool) {
		left := n
		for v := range all {
			if left--; !yield(v) || left == 0 {
				return
			}
		}
	}
}

// printArray prints one JSON array, each of its elements as soon as there is one.
func printArray[T any](w io.Writer, all iter.Seq[T]) error {
	before := "[\n  "
	for v := range all {
		text, err := json.MarshalIndent(v, "  ", "  ")
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "%s%s", before, text); err != nil {
			return err
		}
		before = ",\n  "
	}
	end := "\n]\n"
	if before[0] == '[' {
		end = "[]\n"
	}
	_, err := io.WriteString(w, end)
	return err
}

// historyLine is a run: what is of one width before what is not, so that the first line
// is printed before the last one is known.
const historyLine = "%-20s  %-8s  %-16s  %8s  %-11s  %10s  %s\n"

// writeHistory prints a line for each run.
func writeHistory(w io.Writer, runs iter.Seq[operate.Run], now time.Time, zone *time.Location) error {
	_, err := fmt.Fprintf(w, historyLine, "run", "mode", "began", "duration", "status", "generation", "pipelines, reason")
	none := true
	for run := range runs {
		none = false
		_, err = fmt.Fprintf(w, historyLine, run.RunID, run.Mode, minute(run.Started, zone), lasted(run, now), run.Status, made(run.Generation), partsAndReason(run))
		if err != nil {
			return err
		}
	}
	if none {
		_, err = fmt.Fprintln(w, "no run has been recorded yet")
	}
	return err
}

// lasted is how long a run took, or has taken so far; empty where nobody knows.
func lasted(run operate.Run, now time.Time) string {
	switch {
	case run.UnderWay():
		return duration(now.Sub(run.Started))
	case run.Finished.IsZero():
		return ""
	}
	return duration(run.Finished.Sub(run.Started))
}

func made(generation int) string {
	if generation == 0 {
		return "none"
	}
	return fmt.Sprint(generation)
}

// partsAndReason is "calls, waves complete, messages failed | messages: the reason", in
// one line whatever a vendor has said.
func partsAndReason(run operate.Run) string {
	var statuses []string
	names := map[string][]string{}
	for _, p := range run.Pipelines {
		if names[p.Status] == nil {
			statuses = append(statuses, p.Status)
		}
		names[p.Status] = append(names[p.Status], p.Pipeline)
	}
	for i, status := range statuses {
		statuses[i] = strings.Join(names[status], ", ") + " " + status
	}
	said := slices.DeleteFunc([]string{strings.Join(statuses, ", "), run.Reason}, func(s string) bool { return s == "" })
	return strings.Join(strings.Fields(strings.Join(said, " | ")), " ")
}
