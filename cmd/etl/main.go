// Etl exports what a contact centre's vendors hold into Parquet files and a
// DuckDB database, every night. See README.md.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"
	_ "time/tzdata" // business time zones, on machines that have none

	"nightjar/cmd/etl/internal/config"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/cmd/etl/internal/warehouse"
)

// version of the program, as records and --version tell it. A release build sets
// it with -ldflags.
var version = "0.1.0"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, func() {
		stop() // a second signal ends the program at once
		time.AfterFunc(patienceAtEnd, func() {
			fmt.Fprintf(os.Stderr, "etl: not ended %s after it was asked to, and ended now; what has landed is kept, and the live generation is as it was\n", patienceAtEnd)
			os.Exit(exitInterrupted)
		})
	})
	code := run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// patienceAtEnd is how long the program takes to end by itself once it is asked to. No
// instant is a bad one to be killed at: what is half done is not live.
const patienceAtEnd = 9 * time.Second

func run(ctx context.Context, args []string) int {
	return (&app{out: os.Stdout, err: os.Stderr, env: os.LookupEnv}).execute(ctx, args)
}

// execute runs one command to its exit code.
func (a *app) execute(ctx context.Context, args []string) (code int) {
	defer func() {
		// Go's own exit code for a panic, 2, is that of a wrong command line here. On
		// the goroutines of the packages below, a panic becomes an error.
		if fault := recover(); fault != nil {
			fmt.Fprintf(os.Stderr, "etl: a fault in the program: %v\n%s", fault, debug.Stack())
			code = exitFailed
		}
	}()
	root := newRoot(a)
	root.SetArgs(args)
	return a.exitCode(ctx, root.ExecuteContext(ctx))
}

// The exit codes of the program; README.md has the same table.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitIncomplete  = 3 // or held, or drifted, or older than it may be
	exitInterrupted = 130
)

// outcome ends a command whose result has been printed, with a status that is
// not success.
type outcome struct{ status summary.Status }

func (o outcome) Error() string { return string(o.status) }

// exitCode says what went wrong and chooses the code.
func (a *app) exitCode(ctx context.Context, err error) int {
	var ended outcome
	var invalid *config.ValidationError
	var usage *warehouse.UsageError
	var flag usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &ended):
		return ended.code()
	case errors.As(err, &invalid):
		a.complain("", invalid)
		return exitUsage
	case errors.As(err, &usage), errors.As(err, &flag):
		a.complain("etl: ", err)
		return exitUsage
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		a.complain("etl: ", errors.New("interrupted; what has landed is kept, and the live generation is as it was"))
		return exitInterrupted
	default:
		a.complain("etl: ", err)
		return exitFailed
	}
}

// ending is the outcome of a command whose result has been printed; nil for success.
func ending(status summary.Status) error {
	if status == summary.Complete {
		return nil
	}
	return outcome{status}
}

func (o outcome) code() int {
	switch o.status {
	case summary.Complete:
		return exitOK
	case summary.Drifted, summary.Held, summary.Incomplete:
		return exitIncomplete
	case summary.Interrupted:
		return exitInterrupted
	}
	return exitFailed
}
