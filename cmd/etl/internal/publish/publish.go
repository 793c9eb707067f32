// Package publish makes a generation of what the legs of a run have staged: it merges
// their rows with the live ones, judges whether they can be trusted, builds tables,
// database and marts beside the live generation, and makes them live by one rename. What
// a run brings is handed over as Parts; nothing of them is asked of a vendor here.
package publish

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"nightjar/cmd/etl/internal/ledger"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/load/generation"
	"nightjar/load/landing"
	"nightjar/load/ref"
)

// Publish merges the parts, judges them, and commits those that can be trusted.
// Where none can, the live generation stays. What fails a leg is that leg's alone.
func (p *Publisher) Publish(ctx context.Context, parts []*Part) error {
	var trusted []*Part
	var changes []merged
	for _, l := range parts {
		if l.Status == summary.Failed || l.Status == summary.Interrupted {
			l.Sum()
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		tables, err := p.ready(ctx, l)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil && p.publishable(l) {
			l.Published = true
			trusted = append(trusted, l)
			changes = append(changes, tables...)
			continue
		}
		if err == nil {
			err = p.hold(l)
		}
		if err != nil {
			p.LogFault(err)
			l.Worsen(summary.Failed, err.Error())
		}
		if err := p.withdraw(l); err != nil {
			return err
		}
	}
	if apart, err := p.keepApart(trusted, len(parts)); apart || err != nil || len(trusted) == 0 {
		return err
	}
	return p.commit(ctx, trusted, changes)
}

// ready merges the leg's rows with the live ones, and judges them.
func (p *Publisher) ready(ctx context.Context, l *Part) ([]merged, error) {
	p.Progress.Stage("merge " + l.Pipeline)
	defer p.Progress.Done()
	if err := p.heal(ctx, l); err != nil {
		l.Sum()
		return nil, err
	}
	tables, err := p.merge(ctx, l)
	if err != nil {
		l.Sum()
		return nil, err
	}
	p.judgeRemade(l, tables)
	if err := p.judge(ctx, l, tables); err != nil {
		return nil, err
	}
	if l.Status == summary.Held && (p.Accept || p.Replay && !l.lossy) {
		l.Status, l.Reason = summary.Complete, "accepted: "+l.Reason
	}
	l.judgeDrift()
	return tables, nil
}

// publishable reports whether the leg's rows go into the generation. What a replay reads
// was published before, whatever is said of it.
func (p *Publisher) publishable(l *Part) bool {
	if p.Replay && !l.lossy && l.Status != summary.Failed {
		return true
	}
	return l.Status == summary.Complete || l.Status == summary.Drifted || p.Accept || l.Status == summary.Incomplete && l.Rows.Stream.Writes
}

// withdraw takes back what a leg that is not published has merged, also half of a table.
func (p *Publisher) withdraw(l *Part) error {
	for _, t := range l.Rows.Tables {
		for _, folder := range []string{generation.TablePath(t.Schema, t.Name), generation.KeysFolder(t.Schema, t.Name)} {
			if err := os.RemoveAll(p.Build.Path(folder)); err != nil {
				return err
			}
		}
		delete(p.Remade, t.Full())
	}
	l.New, l.Changed, l.Unchanged, l.Superseded, l.Loaded = 0, 0, 0, 0, 0
	for _, w := range l.Walks {
		w.Loaded = 0
	}
	return nil
}

// hold decides that what the leg has landed waits for someone's word. Nobody's word is
// waited for where it failed: the next run takes its pages over.
func (p *Publisher) hold(l *Part) error {
	if l.Status == summary.Failed || !l.Landed {
		return nil
	}
	word := ledger.Withheld
	if l.Status == summary.Incomplete {
		word = ledger.Incomplete
	}
	change := ledger.Change{Runs: []ledger.Counted{p.ownRun(l)}, Word: word, Reason: l.Reason}
	return p.Record.Decide(ledger.Decision{Kind: ledger.Hold, Streams: map[ref.Stream]ledger.Change{l.Ref(): change}})
}

// ownRun is what this run has landed of the leg's stream.
func (p *Publisher) ownRun(l *Part) ledger.Counted {
	return ledger.Counted{ID: p.Record.ID, Pages: l.Rows.Pages(l.Ref().Run(p.Record.ID))}
}

// keepApart publishes nothing of a replay by other settings than those of the live
// generation where a stream of it is held: the rows of that one would stand beside rows
// made otherwise.
func (p *Publisher) keepApart(trusted []*Part, of int) (bool, error) {
	changed := p.Changed()
	if !p.Replay || len(changed) == 0 || len(trusted) == of {
		return false, nil
	}
	for _, l := range trusted {
		l.Published = false
		l.Worsen(summary.Held, strings.Join(changed, "; ")+", and not every table can be made anew: none is")
		if err := p.withdraw(l); err != nil {
			return true, err
		}
	}
	return true, nil
}

// commit builds the generation around the merged tables and makes it live.
func (p *Publisher) commit(ctx context.Context, legs []*Part, changes []merged) error {
	if err := p.Record.Enter(p.publication(legs)); err != nil {
		return err
	}
	m, err := p.newManifest(legs)
	if err != nil {
		return err
	}
	records, err := p.mergeRecords(ctx, legs, m.Bookmarks)
	if err != nil {
		return err
	}
	settings, err := p.writeSettings(ctx, m)
	if err != nil {
		return err
	}
	changes = slices.Concat(changes, records, settings)
	if err := p.placeTables(m, changes); err != nil {
		return err
	}
	p.Progress.Stage("database")
	err = p.buildDatabase(ctx, m, changes)
	p.Progress.Done()
	if err != nil {
		return err
	}
	if m.Reconciliation, err = json.Marshal(p.Summary.Pipelines); err != nil {
		return fmt.Errorf("record the reconciliation: %w", err)
	}
	if err := p.Record.Write(); err != nil {
		return err
	}
	if err := p.Build.Commit(m); err != nil {
		return err
	}
	p.Summary.Generation = m.Generation
	if err := p.markAccepted(legs); err != nil {
		return err
	}
	p.Prune()
	return nil
}

// publication is the decision to make a generation of the legs' rows.
func (p *Publisher) publication(legs []*Part) ledger.Decision {
	d := ledger.Decision{Kind: ledger.Publish, Streams: map[ref.Stream]ledger.Change{}}
	if p.Live != nil {
		d.Parent = p.Live.Manifest.RunID
	}
	for _, l := range legs {
		c := ledger.Change{Bookmark: json.RawMessage(p.bookmark(l)), Anew: p.Replay && p.Remade[l.main().Full()], Lost: l.Gone}
		for _, a := range l.Took {
			c.Runs = append(c.Runs, ledger.Counted{ID: a.Header.RunID, Pages: a.Landed})
		}
		if l.Landed {
			c.Runs = append(c.Runs, p.ownRun(l))
		}
		d.Streams[l.Ref()] = c
	}
	return d
}

// markAccepted notes in the landing zone that the run's own pages are published although
// the walk found rows to be missing: someone accepted them.
func (p *Publisher) markAccepted(legs []*Part) error {
	for _, l := range legs {
		if !l.Landed || l.Rows.Stream.Writes {
			continue
		}
		own, err := p.Zone.Run(l.Ref().Run(p.Record.ID))
		if err != nil {
			return err
		}
		if own.End == nil || own.End.Status != landing.StatusIncomplete {
			continue
		}
		if err := p.Zone.Mark(own, landing.Mark{Status: landing.StatusAccepted, Reason: "accepted by run " + string(p.Record.ID), At: p.At}); err != nil {
			return err
		}
	}
	return nil
}
