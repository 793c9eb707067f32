package main

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"nightjar/cmd/etl/internal/pipeline"
)

func newGenerations(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "generations",
		Short: "List the generations of the warehouse",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			r, err := a.localRunner()
			if err != nil {
				return err
			}
			all, err := r.Generations() // an error says that the live one cannot be read
			if a.json {
				return errors.Join(err, a.printJSON(all))
			}
			writeGenerations(a.out, all)
			return err
		},
	}
}

func newRollback(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "rollback [N]",
		Short: "Make an earlier generation live again",
		Long: `Rollback points "current" at generation N, or at the one before the live one.
Readers see the change at once; nothing is removed. The next run goes on from the
bookmarks of that generation and takes over what has landed since.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			n := 0
			if len(args) == 1 {
				var err error
				if n, err = strconv.Atoi(args[0]); err != nil || n < 1 {
					return usageError{fmt.Errorf("%q is no generation; want a number that `etl generations` lists", args[0])}
				}
			}
			r, err := a.localRunner()
			if err != nil {
				return err
			}
			from, to, err := r.Rollback(n)
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(map[string]int{"from": from, "to": to})
			}
			was := ""
			if from > 0 {
				was = fmt.Sprintf(" (it was %d)", from)
			}
			fmt.Fprintf(a.out, "generation %d is live again%s\n", to, was)
			return nil
		},
	}
}

func newVerify(a *app) *cobra.Command {
	var landing bool
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Recompute every hash and count of the live generation",
		Long: `Verify reads every file of the live generation again: sizes and SHA-256 against
the manifest, and the rows of every table and mart in the database against those
in the Parquet.

With --landing it reads the landing zone instead: every landed page of every run
against its hash, and every journal.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := a.localRunner()
			if err != nil {
				return err
			}
			if landing {
				return a.verifyLanding(cmd, r)
			}
			v, err := r.Verify(cmd.Context())
			if err != nil {
				return err
			}
			if a.json {
				err = a.printJSON(v)
			} else {
				writeVerified(a.out, v)
			}
			if err == nil && len(v.Problems) > 0 {
				return outcome{pipeline.Failed}
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&landing, "landing", false, "read every landed page and every journal instead")
	return cmd
}

func (a *app) verifyLanding(cmd *cobra.Command, r *pipeline.Runner) error {
	v, err := r.VerifyLanding(cmd.Context())
	if err != nil {
		return err
	}
	if a.json {
		err = a.printJSON(v)
	} else {
		writeLanding(a.out, v)
	}
	if err == nil && len(v.Problems) > 0 {
		return outcome{pipeline.Failed}
	}
	return err
}
