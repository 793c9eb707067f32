package main

import (
	"errors"
	"time"

	"github.com/spf13/cobra"
)

// patience is how long a command waits for another that writes to the warehouse: a
// duration that is not negative.
type patience time.Duration

func (p *patience) String() string { return time.Duration(*p).String() }
func (p *patience) Type() string   { return "duration" }

func (p *patience) Set(text string) error {
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return errors.New("want a duration such as 90s, 10m or 1h; 0 does not wait")
	}
	*p = patience(d)
	return nil
}

// waitFlag adds --wait to a command that writes.
func waitFlag(cmd *cobra.Command, to *time.Duration, preset time.Duration) {
	*to = preset
	cmd.Flags().Var((*patience)(to), "wait", "wait up to this `duration`, such as 10m, for another writer to end")
}
