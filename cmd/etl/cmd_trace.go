package main

import (
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"

	"nightjar/cmd/etl/internal/operate"
	"nightjar/cmd/etl/internal/pipeline"
)

func newTrace(a *app) *cobra.Command {
	var page string
	cmd := &cobra.Command{
		Use:   "trace --page REF",
		Short: "Print a landed page as the vendor sent it",
		Long: `Trace prints a landed page, byte for byte as the vendor sent it and checked against
its hash, and nothing else. The reference is the _page of any row.

With --json it prints one record: what was asked, when, how many rows came, the hash,
and the page as JSON where it is JSON.

No lock is taken and no socket opened: it can be asked while a run is under way. A
page holds what customers wrote.`,
		Example: `  etl trace --page aircall/calls/20261120T021500.000Z/000012 | jq .`,
		Args:    cobra.NoArgs,
		RunE: a.local(func(_ context.Context, r *pipeline.Runner, _ []string) error {
			if page == "" {
				return usageError{errors.New("--page is missing; want the _page of a row; see `etl trace --help`")}
			}
			traced, err := operate.TracePage(r.Site, page)
			if err != nil {
				return err
			}
			var written error
			err = a.print(traced, func(w io.Writer) { _, written = w.Write(traced.Body) })
			return errors.Join(err, written)
		}),
	}
	cmd.Flags().StringVar(&page, "page", "", "the `reference` of a landed page, such as the _page of a row")
	return cmd
}
