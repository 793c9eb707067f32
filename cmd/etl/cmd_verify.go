package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"nightjar/cmd/etl/internal/operate"
	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/cmd/etl/internal/summary"
)

func newVerify(a *app) *cobra.Command {
	var landing, marts bool
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Recompute every hash and count of the live generation",
		Long: `Verify reads every file of the live generation again: sizes and SHA-256 against
the manifest, and the rows of every table and mart in the database against those
in the Parquet.

With --landing it reads the landing zone instead: every landed page of every run
against its hash, and every journal.

With --marts it computes every mart again, whole, from the tables of the live
generation, and compares each value with the one in the database and in the
Parquet.`,
		Args: cobra.NoArgs,
		RunE: a.local(func(ctx context.Context, r *pipeline.Runner, _ []string) error {
			switch {
			case landing && marts:
				return usageError{errors.New("--landing and --marts exclude each other")}
			case landing:
				return a.verifyLanding(ctx, r)
			case marts:
				return a.verifyMarts(ctx, r)
			}
			v, err := operate.Verify(ctx, r.Site)
			if err != nil {
				return err
			}
			return a.verified(v, v.Problems, func(w io.Writer) { writeVerified(w, v) })
		}),
	}
	cmd.Flags().BoolVar(&landing, "landing", false, "read every landed page and every journal instead")
	cmd.Flags().BoolVar(&marts, "marts", false, "compute every mart again and compare it with what is published instead")
	return cmd
}

func (a *app) verifyLanding(ctx context.Context, r *pipeline.Runner) error {
	v, err := operate.VerifyLanding(ctx, r.Site)
	if err != nil {
		return err
	}
	return a.verified(v, v.Problems, func(w io.Writer) { writeLanding(w, v) })
}

func (a *app) verifyMarts(ctx context.Context, r *pipeline.Runner) error {
	v, err := operate.VerifyMarts(ctx, r.Site)
	if err != nil {
		return err
	}
	return a.verified(v, v.Problems, func(w io.Writer) { writeMarts(w, v) })
}

// verified prints what was found, and fails where there are problems.
func (a *app) verified(found any, problems []string, text func(w io.Writer)) error {
	if err := a.print(found, text); err != nil || len(problems) == 0 {
		return err
	}
	return outcome{summary.Failed}
}

// writeProblems prints what is wrong, and returns how much is.
func writeProblems(w io.Writer, problems []string) (verdict string) {
	for _, p := range problems {
		fmt.Fprintln(w, p)
	}
	if len(problems) > 0 {
		return fmt.Sprintf("has %d problems", len(problems))
	}
	return "is whole"
}

// writeVerified prints the result of a verification.
func writeVerified(w io.Writer, v *operate.Verified) {
	verdict := writeProblems(w, v.Problems)
	fmt.Fprintf(w, "generation %d %s: %d files, %d tables and marts, %d rows\n", v.Generation, verdict, v.Files, v.Tables, v.Rows)
}

// writeMarts prints the result of computing the marts again.
func writeMarts(w io.Writer, v *operate.CheckedMarts) {
	for _, d := range v.Differences {
		fmt.Fprintln(w, d)
	}
	for _, mart := range v.Skipped {
		fmt.Fprintf(w, "%s was made by another version of the program: the next run makes it anew\n", mart)
	}
	verdict := writeProblems(w, v.Problems)
	fmt.Fprintf(w, "generation %d %s: %d marts computed again, %d rows\n", v.Generation, verdict, v.Marts, v.Rows)
}

// writeLanding prints the result of a verification of the landing zone.
func writeLanding(w io.Writer, v *operate.CheckedLanding) {
	for _, ref := range v.SetAside {
		fmt.Fprintf(w, "%s is damaged; a run has set it aside and gone on\n", ref)
	}
	verdict := writeProblems(w, v.Problems)
	fmt.Fprintf(w, "the landing zone %s: %d runs, %d pages, %.1f MB as the vendors sent them\n", verdict, v.Runs, v.Pages, float64(v.Bytes)/1e6)
}
