package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/extract"
)

func newCheck(a *app) *cobra.Command {
	var online bool
	cmd := &cobra.Command{
		Use:   "check [PIPELINE...]",
		Short: "Check the configuration; with --online, the vendors too",
		Long: `Check reads pipelines.yaml and reports every problem at once, each with its line.
What is not wrong but unwise, such as a password written out in it, is a warning.
With --online it also signs in to the source of each pipeline and compares the
vendor's schema with what the pipeline asks.`,
		RunE: a.asking(func(ctx context.Context, r *pipeline.Runner, args []string) error {
			if !a.json {
				for _, warning := range r.Config.Warned() {
					fmt.Fprintln(a.out, warning)
				}
			}
			if !online {
				return a.checkOffline(r)
			}
			return a.checkOnline(ctx, r, args)
		}),
	}
	cmd.Flags().BoolVar(&online, "online", false, "sign in to the vendors and compare their schemas with the queries")
	return cmd
}

func (a *app) checkOffline(r *pipeline.Runner) error {
	enabled := len(r.Config.Enabled())
	found := map[string]any{"config": r.Config.Path, "pipelines": len(r.Config.Pipelines), "enabled": enabled, "warnings": r.Config.Warned()}
	return a.print(found, func(w io.Writer) {
		fmt.Fprintf(w, "%s is right: %d pipelines, %d of them enabled\n", r.Config.Path, len(r.Config.Pipelines), enabled)
	})
}

func (a *app) checkOnline(ctx context.Context, r *pipeline.Runner, names []string) error {
	all, err := r.CheckOnline(ctx, names)
	if err != nil {
		return err
	}
	status := summary.Complete
	for _, c := range all {
		if c.Error != "" {
			status = summary.Failed
		}
		if slices.ContainsFunc(c.Findings, func(f extract.Finding) bool { return f.Breaking }) {
			status = summary.Failed
		}
	}
	if err := a.print(all, func(w io.Writer) { writeChecks(w, all) }); err != nil {
		return err
	}
	return ending(status)
}

// writeChecks prints what an online check found.
func writeChecks(w io.Writer, all []pipeline.Checked) {
	failed := map[string][]string{} // pipelines by error
	for _, c := range all {
		failed[c.Error] = append(failed[c.Error], c.Pipeline)
	}
	for _, c := range all {
		switch {
		case c.Error != "" && failed[c.Error][0] == c.Pipeline:
			fmt.Fprintf(w, "%s: %s\n", strings.Join(failed[c.Error], ", "), c.Error)
		case c.Error != "":
		case len(c.Findings) == 0:
			fmt.Fprintf(w, "%s: signed in; the vendor's schema has what the pipeline asks\n", c.Pipeline)
		}
		for _, f := range c.Findings {
			kind := "drift"
			if f.Breaking {
				kind = "breaks the query"
			}
			fmt.Fprintf(w, "%s: %s: %s: %s\n", c.Pipeline, kind, f.Path, f.What)
		}
	}
}
