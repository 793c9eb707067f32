package main

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"nightjar/cmd/etl/internal/config"
	"nightjar/cmd/etl/internal/operate"
)

func newRollback(a *app) *cobra.Command {
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "rollback [N]",
		Short: "Make an earlier generation live again",
		Long: `Rollback points "current" at generation N, or at the one before the live one.
Readers see the change at once; nothing is removed. The next run goes on from the
bookmarks of that generation and takes over what has landed since.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			n := 0
			if len(args) == 1 {
				var err error
				if n, err = strconv.Atoi(args[0]); err != nil || n < 1 {
					return usageError{fmt.Errorf("%q is no generation; want a number that `etl generations` lists", args[0])}
				}
			}
			r, err := a.runner(config.LoadLocal)
			if err != nil {
				return err
			}
			r.Wait = wait
			from, to, err := operate.Rollback(cmd.Context(), r.Site, n)
			if err != nil {
				return err
			}
			was := ""
			if from > 0 {
				was = fmt.Sprintf(" (it was %d)", from)
			}
			return a.print(map[string]int{"from": from, "to": to}, func(w io.Writer) {
				fmt.Fprintf(w, "generation %d is live again%s\n", to, was)
			})
		},
	}
	waitFlag(cmd, &wait, 0)
	return cmd
}
