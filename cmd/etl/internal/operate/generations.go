// Package operate is what someone asks of a warehouse beside its runs: how it stands, what
// is held and why, whether it is what was published, and an earlier generation back.
package operate

import (
	"errors"
	"slices"
	"time"

	"nightjar/cmd/etl/internal/warehouse"
	"nightjar/load/generation"
	"nightjar/load/ref"
)

// Generation is one generation as `etl generations` lists it.
type Generation struct {
	Number  int       `json:"generation"`
	Live    bool      `json:"live"`
	Parent  int       `json:"parent,omitempty"`
	RunID   ref.RunID `json:"run_id"`
	Created time.Time `json:"created"`
	Rows    int64     `json:"rows"`              // of all tables
	Bytes   int64     `json:"bytes"`             // of all files, shared ones included
	Problem string    `json:"problem,omitempty"` // why it cannot be read
}

// Generations lists what is on disk, newest first, also where an error says that
// the live one cannot be read.
func Generations(site *warehouse.Site) ([]Generation, error) {
	store := site.Store()
	_, unreadable := site.Current()
	if errors.Is(unreadable, generation.ErrNone) {
		unreadable = nil
	}
	live, _ := store.Live() // an error is in unreadable too
	numbers, err := store.Numbers()
	if err != nil {
		return nil, err
	}
	var all []Generation
	for _, n := range slices.Backward(numbers) {
		g, err := store.Get(n)
		if err != nil {
			all = append(all, Generation{Number: n, Live: n == live, Problem: err.Error()})
			continue
		}
		entry := Generation{Number: n, Live: n == live, Parent: g.Manifest.Parent, RunID: g.Manifest.RunID, Created: g.Manifest.Created}
		for _, t := range g.Manifest.Tables {
			entry.Rows += t.Rows
		}
		for _, f := range g.Manifest.Files() {
			entry.Bytes += f.Bytes
		}
		all = append(all, entry)
	}
	return all, unreadable
}
