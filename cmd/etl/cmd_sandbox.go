package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"nightjar/extract/sandbox"
)

func newSandbox(a *app) *cobra.Command {
	var address, faults string
	var scale float64
	var seed uint64
	cmd := &cobra.Command{
		Use:   "sandbox",
		Short: "Serve the simulated vendors over HTTP",
		Long: `Sandbox serves the simulated vendors until it is stopped. It prints the variables
of pipelines.yaml to stdout; load them into a shell and use any other command
against it:

  etl sandbox --addr 127.0.0.1:8080 > sandbox.env &
  set -a; . ./sandbox.env; set +a
  etl run

What the vendors truly hold is at /truth/<vendor>/<collection>.

Faults: ` + strings.Join(sandbox.FaultNames(), ", ") + `.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			box, err := sandbox.New(sandbox.Options{Seed: seed, Scale: scale, Faults: splitList(faults)})
			if err != nil {
				return usageError{err}
			}
			actual, stop, err := serve(address, box.Handler())
			if err != nil {
				return err
			}
			defer stop()
			env := box.Env("http://" + actual)
			for _, name := range slices.Sorted(maps.Keys(env)) {
				fmt.Fprintf(a.out, "%s='%s'\n", name, env[name])
			}
			a.newLogger().Info("sandbox serves", "address", "http://"+actual)
			<-cmd.Context().Done()
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&address, "addr", "127.0.0.1:8080", "the `address` to listen on; port 0 takes a free one")
	flags.Float64Var(&scale, "scale", 1, "multiply the simulated data")
	flags.Uint64Var(&seed, "seed", 1, "seed of the simulated data")
	flags.StringVar(&faults, "faults", "", "`names` of faults to inject, separated by commas")
	return cmd
}

func splitList(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })
}
