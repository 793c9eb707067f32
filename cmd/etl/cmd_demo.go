package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"nightjar/cmd/etl/internal/config"
	"nightjar/cmd/etl/internal/operate"
	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/extract"
	"nightjar/extract/sandbox"
)

func newDemo(a *app) *cobra.Command {
	var scale float64
	var seed uint64
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run every pipeline against simulated vendors: no account, no configuration",
		Long: `Demo starts the sandbox in this process, sets the variables of pipelines.yaml to
it, runs every enabled pipeline into ./warehouse, and prints the summary and the
first numbers of each mart. Run it twice: the second run asks only for what may
still change, and changes what the simulated vendors have changed in between.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			box, err := sandbox.New(sandbox.Options{Seed: seed, Scale: scale})
			if err != nil {
				return err
			}
			address, stop, err := serve("127.0.0.1:0", box.Handler())
			if err != nil {
				return err
			}
			defer stop()
			a.env = overlay(box.Env("http://"+address), os.LookupEnv)
			r, err := a.runner(config.Load)
			if err != nil {
				return err
			}
			r.Wait = wait
			if err := a.printSummary(r.Run(cmd.Context(), pipeline.Request{})); err != nil || a.json {
				return err
			}
			return a.printMarts(cmd.Context(), r)
		},
	}
	cmd.Flags().Float64Var(&scale, "scale", 1, "multiply the simulated data")
	cmd.Flags().Uint64Var(&seed, "seed", 1, "seed of the simulated data")
	waitFlag(cmd, &wait, 0)
	return cmd
}

// overlay looks a variable up in first, then in rest.
func overlay(first map[string]string, rest func(string) (string, bool)) func(string) (string, bool) {
	return func(name string) (string, bool) {
		if v, ok := first[name]; ok {
			return v, true
		}
		return rest(name)
	}
}

// serve serves h until stop is called, and returns the address that it listens on.
func serve(address string, h http.Handler) (actual string, stop func(), err error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return "", nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
			fmt.Fprintf(os.Stderr, "etl: the sandbox stopped: %v\n", err)
		}
	}()
	return listener.Addr().String(), func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if server.Shutdown(ctx) != nil {
			server.Close()
		}
		<-done
	}, nil
}

// martRows is how many rows of each mart the demo shows.
const martRows = 5

// printMarts prints the newest rows of each mart.
func (a *app) printMarts(ctx context.Context, r *pipeline.Runner) error {
	return operate.EachMart(ctx, r.Site, martRows, func(m operate.MartSample) {
		fmt.Fprintf(a.out, "\nmarts.%s: %s (%d of %d rows)\n", m.Name, m.Comment, len(m.Rows), m.Total)
		header := make(table.Row, len(m.Columns))
		for i, c := range m.Columns {
			header[i] = c
		}
		t := newTable(a.out, header)
		for _, cells := range m.Rows {
			row := make(table.Row, len(cells))
			for i, c := range cells {
				row[i] = strings.TrimSpace(extract.Printable(c)) // a vendor's words
			}
			t.AppendRow(row)
		}
		t.Render()
	})
}
