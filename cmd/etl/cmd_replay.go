package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"nightjar/cmd/etl/internal/pipeline"
)

func newReplay(a *app) *cobra.Command {
	var since string
	var skip []string
	var accept bool
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "replay",
		Short: "Rebuild the tables from landed pages, with the network off",
		Long: `Replay reads every landed page again and publishes the tables that they give, as
a new generation. It opens no socket. Use it after a fix of the program, or to
rebuild a warehouse of which only the landing zone and the run records are left, or
of which the live generation cannot be read.

It publishes what was published: what is held stays held, and what a run that died
has landed waits for the next run. A stream of which a published run is lost, or
would lose more rows than max_drop allows, is held; its reason names what is
missing. --accept publishes what is left, and the next run asks the vendor for the
rest.

A landed page that is damaged ends it, and so does a damaged journal: restore the
file from a backup, or name it with --skip. The rest is then published, and the
run is incomplete; its reason and etl.reconciliation say which pages are left out
and how many records they held. That word is good for one replay. The next night
asks iAdvize and Desk again for what was left out; other vendors are asked for it
by a backfill (etl run --from).`,
		Example: `  etl replay
  etl replay --since 2026-01-01
  etl replay --accept
  etl replay --skip aircall/calls/20260331T013000.000Z/000012`,
		Args: cobra.NoArgs,
		RunE: a.local(func(ctx context.Context, r *pipeline.Runner, _ []string) error {
			r.Wait = wait
			var from time.Time
			if since != "" {
				var err error
				if from, err = time.ParseInLocation(time.DateOnly, since, r.Config.Timezone); err != nil {
					return usageError{fmt.Errorf("--since %q is no day; want YYYY-MM-DD", since)}
				}
			}
			return a.printSummary(r.Replay(ctx, pipeline.Rebuild{Since: from, Skip: skip, Accept: accept}))
		}),
	}
	cmd.Flags().StringVar(&since, "since", "", "read only the runs from this business `day` on, and merge them over what is there")
	cmd.Flags().StringArrayVar(&skip, "skip", nil, "go on without the landed page, or what stands behind the damage of the journal, of this `reference`; may be repeated")
	cmd.Flags().BoolVar(&accept, "accept", false, "publish what is left, where landed runs or rows are lost")
	waitFlag(cmd, &wait, 0)
	return cmd
}
