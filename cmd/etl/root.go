package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"nightjar/cmd/etl/internal/config"
	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/cmd/etl/internal/streams"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/cmd/etl/internal/warehouse"
)

// app is what the commands share.
type app struct {
	out io.Writer // results
	err io.Writer // logs
	env func(string) (string, bool)
	net http.RoundTripper // nil: the network

	configPath string
	warehouse  string // overrides the configuration's
	json       bool
	quiet      bool
	logFormat  logFormat
}

// usageError is a command line that makes no sense.
type usageError struct{ error }

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "etl",
		Short: "Export what a contact centre's vendors hold into Parquet and DuckDB, every night",
		Long: `Nightjar pulls conversations, calls and SMS waves from the vendors of a contact
centre, keeps what they said, and publishes Parquet files and a DuckDB database
that answer: how satisfied are our customers, and did our messages arrive?

Start with

  etl demo        the whole job against simulated vendors: no account needed
  etl check       is pipelines.yaml right? (--online: do the vendors agree?)
  etl run         one run, now
  etl schedule    every pipeline at its time, until stopped

Results go to stdout, logs to stderr. Exit codes: 0 published and complete,
1 failed, 2 usage or configuration, 3 incomplete, held, drifted or too old,
130 interrupted.`,
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w; see `%s --help`", err, cmd.CommandPath())}
	})
	flags := root.PersistentFlags()
	flags.StringVar(&a.configPath, "config", "pipelines.yaml", "the configuration `file`")
	flags.StringVar(&a.warehouse, "warehouse", "", "the warehouse `directory`, in place of the configuration's")
	flags.BoolVar(&a.json, "json", false, "print one machine-readable record")
	flags.BoolVarP(&a.quiet, "quiet", "q", false, "log warnings and errors only")
	a.logFormat = asText
	flags.Var(&a.logFormat, "log-format", "the `format` of the log: text, or json for an object a line")
	addGroup(root, "Every night:", newRun(a), newSchedule(a), newDemo(a), newCheck(a))
	addGroup(root, "Look:", newStatus(a), newTrace(a), newHeld(a), newGenerations(a))
	addGroup(root, "Repair:", newReplay(a), newVerify(a), newRollback(a))
	addGroup(root, "Beyond:", newSandbox(a))
	root.SetHelpCommandGroupID("Beyond:")
	asUsage(root)
	return root
}

// addGroup adds commands that the help lists together, by name, under a title.
func addGroup(root *cobra.Command, title string, commands ...*cobra.Command) {
	root.AddGroup(&cobra.Group{ID: title, Title: title})
	for _, cmd := range commands {
		cmd.GroupID = title
	}
	root.AddCommand(commands...)
}

// asUsage makes errors about the arguments of a command, and of those below it, usage
// errors.
func asUsage(cmd *cobra.Command) {
	for _, below := range cmd.Commands() {
		asUsage(below)
	}
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return usageError{fmt.Errorf("%w; see `%s --help`", err, cmd.CommandPath())}
			}
			return nil
		}
	}
}

// reader is one of those of package config.
type reader func(path string, env func(string) (string, bool)) (*config.Config, error)

// runs is what a command does with a runner.
type runs func(ctx context.Context, r *pipeline.Runner, args []string) error

// asking makes a command of what may ask the vendors.
func (a *app) asking(do runs) func(*cobra.Command, []string) error { return a.with(config.Load, do) }

// local makes a command of what needs no vendor, and so no secret.
func (a *app) local(do runs) func(*cobra.Command, []string) error {
	return a.with(config.LoadLocal, do)
}

func (a *app) with(read reader, do runs) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		r, err := a.runner(read)
		if err != nil {
			return err
		}
		return do(cmd.Context(), r, args)
	}
}

// config reads the configuration, with what the command line says of it.
func (a *app) config(read reader) (*config.Config, error) {
	cfg, err := read(a.configPath, a.env)
	if err != nil {
		return nil, err
	}
	if err := streams.CheckOrder(cfg); err != nil {
		return nil, err
	}
	if a.warehouse != "" {
		cfg.Warehouse = a.warehouse
	}
	if path, err := filepath.Abs(cfg.Warehouse); err != nil || strings.Contains(path, "?") {
		return nil, usageError{fmt.Errorf("warehouse %q: DuckDB takes what follows a question mark for options; want a path without one", path)}
	}
	return cfg, nil
}

// runner prepares a runner of the configuration.
func (a *app) runner(read reader) (*pipeline.Runner, error) {
	cfg, err := a.config(read)
	if err != nil {
		return nil, err
	}
	r := &pipeline.Runner{Site: &warehouse.Site{Config: cfg, Version: version, Log: a.newLogger(), Now: time.Now}, Base: a.net}
	limitMemory(r)
	if f, ok := a.err.(*os.File); ok && term.IsTerminal(int(f.Fd())) && !a.json && a.logFormat == asText {
		r.Progress = newBars(f)
		a.quiet = true // a bar says what informational logs would, in one line
		r.Log = a.newLogger()
	}
	return r, nil
}

// logWarnings logs what had better be otherwise in the configuration.
func logWarnings(r *pipeline.Runner) {
	for _, warning := range r.Config.Warned() {
		r.Log.Warn("configuration", "warning", warning)
	}
}

// print prints v as one JSON document where that is asked for, and else as text does.
func (a *app) print(v any, text func(w io.Writer)) error {
	if !a.json {
		text(a.out)
		return nil
	}
	e := json.NewEncoder(a.out)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// printSummary prints a run that has a summary, and turns its status into the command's
// outcome.
func (a *app) printSummary(r *summary.Summary, err error) error {
	if err != nil {
		return err
	}
	if err := a.print(r, func(w io.Writer) { writeSummary(w, r) }); err != nil {
		return err
	}
	return ending(r.Status)
}
