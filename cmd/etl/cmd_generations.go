package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"nightjar/cmd/etl/internal/operate"
	"nightjar/cmd/etl/internal/pipeline"
)

func newGenerations(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "generations",
		Short: "List the generations of the warehouse",
		Args:  cobra.NoArgs,
		RunE: a.local(func(_ context.Context, r *pipeline.Runner, _ []string) error {
			all, err := operate.Generations(r.Site) // an error says that the live one cannot be read
			return errors.Join(err, a.print(all, func(w io.Writer) { writeGenerations(w, all) }))
		}),
	}
}

// writeGenerations prints the list of generations.
func writeGenerations(w io.Writer, all []operate.Generation) {
	t := newTable(w, table.Row{"generation", "", "created", "run", "rows", "MB"}, "generation", "rows", "MB")
	for _, g := range all {
		live := ""
		if g.Live {
			live = "live"
		}
		if g.Problem != "" {
			t.AppendRow(table.Row{g.Number, live, "cannot be read"})
			continue
		}
		t.AppendRow(table.Row{g.Number, live, g.Created.Format(time.RFC3339), g.RunID, g.Rows, fmt.Sprintf("%.1f", float64(g.Bytes)/1e6)})
	}
	t.Render()
	for _, g := range all {
		if g.Problem != "" {
			fmt.Fprintln(w, g.Problem)
		}
	}
}
