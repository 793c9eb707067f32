package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"nightjar/cmd/etl/internal/operate"
	"nightjar/cmd/etl/internal/pipeline"
)

func newStatus(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show last runs, bookmarks, freshness, next runs and what is held or uncertain",
		Args:  cobra.NoArgs,
		RunE: a.local(func(ctx context.Context, r *pipeline.Runner, _ []string) error {
			state, err := operate.Status(ctx, r.Site)
			if err != nil {
				return err
			}
			return a.print(state, func(w io.Writer) { writeState(w, state, r.Config.Timezone) })
		}),
	}
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
