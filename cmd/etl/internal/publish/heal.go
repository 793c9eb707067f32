package publish

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"nightjar/cmd/etl/internal/warehouse"
	"nightjar/load/landing"
	"nightjar/load/partition"
)

// RemakeDamagedRecords has the tables about earlier runs made anew where a file of
// theirs is damaged.
func (p *Publisher) RemakeDamagedRecords() {
	if p.Live == nil {
		return
	}
	for _, t := range warehouse.HistoryTables() {
		partitions := p.Live.Manifest.Tables[t.Full()].Partitions
		for _, folder := range slices.Sorted(maps.Keys(partitions)) {
			if f := partitions[folder]; !p.Remade[t.Full()] && !p.Live.Intact(f) {
				p.Found("%s of generation %d is damaged; the table is made anew of the run records", f.Path, p.Live.Manifest.Generation)
				p.Remade[t.Full()] = true
			}
		}
	}
}

// heal makes the leg's tables anew of what has landed, where a file of theirs is
// not what was published. Old pages are read beside those that the leg has staged;
// what the leg says of itself stays as it is.
func (p *Publisher) heal(ctx context.Context, l *Part) error {
	damaged, err := p.damagedFiles(l)
	if err != nil || len(damaged) == 0 {
		return err
	}
	p.Found("%s: %s of generation %d is not what was published; its tables are made anew of the landed pages", l.Pipeline, strings.Join(damaged, ", "), p.Live.Manifest.Generation)
	var corrupt *landing.CorruptError
	switch err := l.Reread(ctx); {
	case errors.As(err, &corrupt):
		return fmt.Errorf("%s of generation %d is damaged, and what it would be made of too: %w", damaged[0], p.Live.Manifest.Generation, err)
	case err != nil:
		return err
	}
	for _, t := range l.Rows.Tables {
		p.Remade[t.Full()] = true
	}
	return nil
}

// damagedFiles lists the live files of the leg's tables that are not what was
// published. Those that the merge reads are read, the others looked at; all are
// read where the database has to be built from them.
func (p *Publisher) damagedFiles(l *Part) ([]string, error) {
	var damaged []string
	if p.Live == nil {
		return nil, nil
	}
	for _, t := range l.Rows.Tables {
		if p.Remade[t.Full()] {
			continue
		}
		touched := map[partition.Partition]bool{}
		for _, at := range l.Rows.Stage(t).Touched() {
			touched[at] = true
		}
		partitions := p.Live.Manifest.Tables[t.Full()].Partitions
		for _, folder := range slices.Sorted(maps.Keys(partitions)) {
			_, at, err := partition.ParseFolder(folder)
			if err != nil {
				return nil, fmt.Errorf("table %s: %w", t.Full(), err)
			}
			whole := p.Live.Untouched
			if touched[at] || !p.DatabaseIntact() {
				whole = p.Live.Intact
			}
			if !whole(partitions[folder]) {
				damaged = append(damaged, partitions[folder].Path)
			}
		}
	}
	return damaged, nil
}
