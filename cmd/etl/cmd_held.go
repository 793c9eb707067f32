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
	"nightjar/cmd/etl/internal/warehouse"
	"nightjar/extract"
	"nightjar/load/ref"
)

func newHeld(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "held",
		Short: "List what is held, show why, accept or discard it",
		Long: `Held lists what runs have landed and what was not published: rows are missing, too
many are rejected, far fewer came than the warehouse has, or a rollback took them
back. It waits for someone's word; no socket is opened.

  etl held show RUN       why, with what was rejected
  etl held accept RUN     publish it
  etl held discard RUN    never publish it

Where a newer held run asked for the same and for more, the older is superseded.`,
		Args: cobra.NoArgs,
		RunE: a.local(func(_ context.Context, r *pipeline.Runner, _ []string) error {
			held, err := operate.Held(r.Site)
			if err != nil {
				return err
			}
			return a.print(held, func(w io.Writer) { writeHeld(w, held, r.Config.Timezone) })
		}),
	}
	cmd.AddCommand(newHeldShow(a), newHeldAccept(a), newHeldDiscard(a))
	return cmd
}

func newHeldShow(a *app) *cobra.Command {
	var values bool
	cmd := &cobra.Command{
		Use:   "show RUN [PIPELINE...]",
		Short: "Show why a run is held",
		Long: `Show gives the reason for which a run is held, how its windows ended, and what
was rejected of it by field and reason, with the length of the first values. --values
shows the values: they are the vendor's words, and may be personal.`,
		Args: cobra.MinimumNArgs(1),
		RunE: a.local(func(ctx context.Context, r *pipeline.Runner, args []string) error {
			details, err := operate.ShowHeld(ctx, r.Site, ref.RunID(args[0]), args[1:], values)
			if err != nil {
				return err
			}
			return a.print(details, func(w io.Writer) {
				for _, d := range details {
					writeHeldDetail(w, d)
				}
			})
		}),
	}
	cmd.Flags().BoolVar(&values, "values", false, "show rejected values, which may be personal")
	return cmd
}

func newHeldAccept(a *app) *cobra.Command {
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "accept RUN [PIPELINE...]",
		Short: "Publish a held run",
		Long: `Accept publishes what a run has landed and what is held of it, as a new
generation, and asks no vendor. The word is kept: where the generation does not come,
the next run publishes it.`,
		Args: cobra.MinimumNArgs(1),
		RunE: a.local(func(ctx context.Context, r *pipeline.Runner, args []string) error {
			r.Wait = wait
			return a.printSummary(r.Accept(ctx, ref.RunID(args[0]), args[1:]))
		}),
	}
	waitFlag(cmd, &wait, 0)
	return cmd
}

func newHeldDiscard(a *app) *cobra.Command {
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "discard RUN [PIPELINE...]",
		Short: "Never publish a held run",
		Long: `Discard decides that a held run is never published. Its pages stay in the landing
zone. The next run asks the vendor again for what it was to bring.`,
		Args: cobra.MinimumNArgs(1),
		RunE: a.local(func(ctx context.Context, r *pipeline.Runner, args []string) error {
			r.Wait = wait
			discarded, err := operate.Discard(ctx, r.Site, ref.RunID(args[0]), args[1:])
			if err != nil {
				return err
			}
			return a.print(discarded, func(w io.Writer) {
				for _, h := range discarded {
					fmt.Fprintf(w, "%s: run %s is discarded; its %d pages stay in the landing zone\n", h.Pipeline, h.RunID, h.Pages)
				}
			})
		}),
	}
	waitFlag(cmd, &wait, 0)
	return cmd
}

// writeHeld prints the list of what is held.
func writeHeld(w io.Writer, held []warehouse.HeldRun, zone *time.Location) {
	if len(held) == 0 {
		fmt.Fprintln(w, "nothing is held")
		return
	}
	t := newTable(w, table.Row{"run", "pipeline", "status", "began", "mode", "pages"}, "pages")
	for _, h := range held {
		t.AppendRow(table.Row{h.RunID, h.Pipeline, h.Status, minute(h.Started, zone), h.Mode, h.Pages})
	}
	t.Render()
	for _, h := range held {
		fmt.Fprintf(w, "%s of run %s is %s: %s\n", h.Pipeline, h.RunID, h.Status, h.Reason)
	}
	fmt.Fprintln(w, "see `etl held show RUN`; then `etl held accept RUN` or `etl held discard RUN`")
}

// writeHeldDetail prints what is to be known of a held run.
func writeHeldDetail(w io.Writer, d operate.HeldDetail) {
	fmt.Fprintf(w, "%s of run %s is %s: %s\n", d.Pipeline, d.RunID, d.Status, d.Reason)
	fmt.Fprintf(w, "  %d pages with %d records in %d windows that ended\n", d.Pages, d.Records, len(d.Windows))
	for _, win := range d.Windows {
		if win.Reason != "" {
			fmt.Fprintf(w, "  window %s is %s: %s (fetched %d, vendor total %s)\n", win.ID, win.Status, win.Reason, win.Fetched, known(win.VendorTotal))
		}
	}
	for _, g := range d.Rejects {
		of := g.Scope
		if g.Field != "" {
			of = g.Field
		}
		fmt.Fprintf(w, "  %d rejects of %s: %s\n", g.Rejects, of, g.Reason)
		for _, s := range g.Samples {
			value := ""
			if s.Value != nil {
				value = ": " + extract.Printable(*s.Value)
			}
			fmt.Fprintf(w, "    %s, %d bytes%s\n", s.Page, s.Length, value)
		}
	}
}

func known(n *int64) string {
	if n == nil {
		return total(-1)
	}
	return total(*n)
}
