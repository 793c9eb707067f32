package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"nightjar/cmd/etl/internal/config"
	"nightjar/cmd/etl/internal/operate"
	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/cmd/etl/internal/summary"
)

func newStatus(a *app) *cobra.Command {
	var maxAge time.Duration
	var history bool
	var limit int
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show last runs, bookmarks, freshness, next runs and what is held or uncertain",
		Long: `Status shows last runs, bookmarks, freshness, next runs and what is held or uncertain.
The last run of a pipeline is shown whatever became of it. No lock is taken: it can be
asked while a run is under way.

With --max-age it is a check for cron, Nagios or Kubernetes: it exits 3 when an
enabled pipeline is older, and its first line says which and by how much. The age is
that of the newest published run that asked for all that was new; a backfill, a
replay and what a rollback took back do not count.

With --history it lists the runs instead, newest first, those too that published
nothing, each with its reason; what was accepted, discarded or rolled back is a
line as well.`,
		Example: `  etl status
  etl status --max-age 26h
  etl status --history --limit 0 | grep failed`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			set := cmd.Flags().Changed
			switch {
			case set("max-age") && maxAge <= 0:
				return usageError{fmt.Errorf("--max-age %s is not above zero; want a length of time such as 26h", maxAge)}
			case set("max-age") && history:
				return usageError{errors.New("--max-age and --history exclude each other")}
			case set("limit") && !history:
				return usageError{errors.New("--limit needs --history")}
			case limit < 0:
				return usageError{fmt.Errorf("--limit %d is below zero; want a number of runs, or 0 for all", limit)}
			}
			r, err := a.runner(config.LoadLocal)
			if err != nil {
				return err
			}
			if history {
				return a.history(r, limit)
			}
			return a.status(cmd.Context(), r, maxAge)
		},
	}
	flags := cmd.Flags()
	flags.DurationVar(&maxAge, "max-age", 0, "exit 3 when an enabled pipeline is older than this `time`, such as 26h")
	flags.BoolVar(&history, "history", false, "list the runs, newest first, with their reasons")
	flags.IntVar(&limit, "limit", 50, "with --history: how many `runs`; 0 for all")
	return cmd
}

// state is what `etl status --json` prints.
type state struct {
	*operate.State
	Stale []string `json:"stale,omitzero"` // what is older than it may be; nil where nobody asks
}

// status prints how the warehouse stands. Where a pipeline may be no older than maxAge,
// zero for any age, it says which ones are, and that is the outcome.
func (a *app) status(ctx context.Context, r *pipeline.Runner, maxAge time.Duration) error {
	found, err := operate.Status(ctx, r.Site)
	if err != nil {
		return err
	}
	s := state{State: found}
	if maxAge > 0 {
		s.Stale = append([]string{}, found.Stale(maxAge, r.Now().In(r.Config.Timezone))...)
		for _, p := range found.Pipelines {
			if p.Owed != nil {
				s.Stale = append(s.Stale, p.Pipeline+" "+p.Owed.In(r.Config.Timezone))
			}
		}
	}
	err = a.print(s, func(w io.Writer) {
		if len(s.Stale) > 0 {
			fmt.Fprintf(w, "stale: %s\n", strings.Join(s.Stale, "; "))
		}
		writeState(w, found, r.Config.Timezone)
	})
	if err != nil || len(s.Stale) == 0 {
		return err
	}
	return outcome{summary.Incomplete}
}

// writeState prints how the warehouse stands.
func writeState(w io.Writer, s *operate.State, zone *time.Location) {
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
		if p.Owed != nil {
			fmt.Fprintf(w, "%s %s\n", p.Pipeline, p.Owed.In(zone))
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
func writeUnknown(w io.Writer, p operate.PipelineState, zone *time.Location) {
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

func acceptHint(name string, w operate.Waiting) string {
	if !w.Held() {
		return ""
	}
	return fmt.Sprintf(" (see: etl held show %s %s)", w.RunID, name)
}
