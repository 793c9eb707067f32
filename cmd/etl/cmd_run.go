package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"nightjar/cmd/etl/internal/pipeline"
)

func newRun(a *app) *cobra.Command {
	var from, to string
	var full, accept, dry bool
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "run [PIPELINE...]",
		Short: "Run pipelines once, now",
		Long: `Run walks the named pipelines, or all that are enabled, and publishes their rows
as one generation of the warehouse. A nightly run asks for what is new since the
last one, and once more for what may still change.

A run that cannot be trusted is held: rows are missing, too many are rejected,
far fewer came than the warehouse has, or most values of a column turned null.
The live generation stays as it is, the pages that landed are kept, and the
summary says why. ` + "`etl held`" + ` lists what is held; accept publishes it, discard drops
it. --accept publishes what this very run brings, whatever it is; what was held
before stays held.

Rows depend on the time zone, on the unit of durations and on the width of the
partitions. Where one of them has changed, the tables are first made anew of what
has landed, as a generation of its own.

A run whose vendor has dropped a field is published as drifted: the columns made
of it keep what they last held.`,
		Example: `  etl run
  etl run conversations calls
  etl run conversations --from 2026-01-01 --to 2026-03-31
  etl run calls --accept
  etl run --dry-run`,
		RunE: a.asking(func(ctx context.Context, r *pipeline.Runner, args []string) (err error) {
			logWarnings(r)
			r.Wait = wait
			request := pipeline.Request{Pipelines: args, Full: full, Accept: accept}
			if request.From, request.To, err = backfill(from, to, r.Config.Timezone); err != nil {
				return err
			}
			if full && from != "" {
				return usageError{fmt.Errorf("--full and --from exclude each other")}
			}
			if dry {
				return a.dryRun(ctx, r, request)
			}
			return a.printSummary(r.Run(ctx, request))
		}),
	}
	flags := cmd.Flags()
	flags.StringVar(&from, "from", "", "backfill from this business `day`, YYYY-MM-DD")
	flags.StringVar(&to, "to", "", "backfill through this business `day`; without it, through today")
	flags.BoolVar(&full, "full", false, "ask for everything from the configured start")
	flags.BoolVar(&accept, "accept", false, "publish what this run brings although it would be held")
	flags.BoolVar(&dry, "dry-run", false, "show windows and expected requests, and do nothing")
	waitFlag(cmd, &wait, 0)
	return cmd
}

// backfill turns two days, the second included, into an interval in UTC.
func backfill(from, to string, zone *time.Location) (time.Time, time.Time, error) {
	if from == "" && to == "" {
		return time.Time{}, time.Time{}, nil
	}
	if from == "" {
		return time.Time{}, time.Time{}, usageError{fmt.Errorf("--to needs --from")}
	}
	first, err := time.ParseInLocation(time.DateOnly, from, zone)
	if err != nil {
		return time.Time{}, time.Time{}, usageError{fmt.Errorf("--from %q is no day; want YYYY-MM-DD", from)}
	}
	last := time.Now().In(zone)
	if to != "" {
		if last, err = time.ParseInLocation(time.DateOnly, to, zone); err != nil {
			return time.Time{}, time.Time{}, usageError{fmt.Errorf("--to %q is no day; want YYYY-MM-DD", to)}
		}
	}
	after := time.Date(last.Year(), last.Month(), last.Day()+1, 0, 0, 0, 0, zone)
	if !first.Before(after) {
		return time.Time{}, time.Time{}, usageError{fmt.Errorf("--to %s is before --from %s", to, from)}
	}
	return first.UTC(), after.UTC(), nil
}

func (a *app) dryRun(ctx context.Context, r *pipeline.Runner, request pipeline.Request) error {
	plans, err := r.Plan(ctx, request)
	if err != nil {
		return err
	}
	return a.print(plans, func(w io.Writer) { writePlans(w, plans, r.Config.Timezone) })
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
