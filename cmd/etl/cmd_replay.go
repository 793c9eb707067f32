package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

func newReplay(a *app) *cobra.Command {
	var since string
	cmd := &cobra.Command{
		Use:   "replay",
		Short: "Rebuild the tables from landed pages, with the network off",
		Long: `Replay reads every landed page again and publishes the tables that they give, as
a new generation. It opens no socket. Use it after a fix of the program, after a
change of the partitions' width, or to rebuild a warehouse of which only the
landing zone is left.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := a.localRunner()
			if err != nil {
				return err
			}
			var from time.Time
			if since != "" {
				if from, err = time.ParseInLocation(time.DateOnly, since, r.Config.Timezone); err != nil {
					return usageError{fmt.Errorf("--since %q is no day; want YYYY-MM-DD", since)}
				}
			}
			report, err := r.Replay(cmd.Context(), from)
			if err != nil {
				return err
			}
			return a.printReport(report)
		},
	}
	cmd.Flags().StringVar(&since, "since", "", "read only the runs from this business `day` on, and merge them over what is there")
	return cmd
}
