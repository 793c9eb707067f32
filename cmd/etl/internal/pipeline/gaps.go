package pipeline

import (
	"fmt"
	"strings"

	"nightjar/load/ref"
	"nightjar/transform"
)

// Drift is a column that pages of a leg were not asked for, because the vendor has
// the field no more. Rows keep what they last held there.
type Drift struct {
	Column string `json:"column"`       // "schema.table.column"; "schema.table" where no row is asked for
	Vendor string `json:"vendor_field"` // "Conversation.language"
	Kept   int64  `json:"kept"`         // records of the leg that keep a value
}

// gapKey is a column of a table; an empty column is the table.
type gapKey struct{ table, column string }

// gapSeen is what a gap lacks, and the newest run whose pages have it.
type gapSeen struct {
	vendor string
	run    ref.RunID
}

// gapsByQuery remembers the gaps of queries: most pages have one of a few.
type gapsByQuery map[string][]transform.Gap

// rememberedQueries bounds them, for queries with values in their text.
const rememberedQueries = 16

func (g gapsByQuery) of(l *leg, query string) ([]transform.Gap, error) {
	if gaps, ok := g[query]; ok {
		return gaps, nil
	}
	gaps, err := transforms[l.Ref()].Gaps(query)
	if err != nil {
		return nil, err
	}
	if len(g) == rememberedQueries {
		clear(g)
	}
	g[query] = gaps
	return gaps, nil
}

// noteGaps tells the stages what a page was not asked for.
func (l *leg) noteGaps(page ref.Page, gaps []transform.Gap) error {
	if len(gaps) == 0 {
		return nil
	}
	columns := map[string][]string{}
	l.mu.Lock()
	for _, g := range gaps {
		at := gapKey{g.Table, g.Column}
		l.gaps[at] = gapSeen{g.Vendor, max(l.gaps[at].run, page.Run.ID)}
		if g.Column != "" {
			columns[g.Table] = append(columns[g.Table], g.Column)
		}
	}
	l.mu.Unlock()
	for table, names := range columns {
		if err := l.stages[table].NotAsked(page.String(), names); err != nil {
			return err
		}
	}
	return nil
}

// sumDrift says which columns the leg was not asked for, and how many values that
// kept. Where history is read again, it is what the newest run lacks: a field that
// came back is no news, however often the pages without it are read.
func (l *leg) sumDrift(tables []merged) {
	l.Drift = nil
	for i, t := range transforms[l.Ref()].Tables {
		l.addDrift(gapKey{t.Full(), ""}, 0)
		for c, column := range t.Columns {
			l.addDrift(gapKey{t.Full(), column.Name}, tables[i].outcome.Columns[c].Kept)
		}
	}
}

func (l *leg) addDrift(at gapKey, kept int64) {
	gap, ok := l.gaps[at]
	if !ok || gap.run < l.through && (l.run.replaying || l.run.remade[at.table]) {
		return
	}
	name := at.table
	if at.column != "" {
		name += "." + at.column
	}
	l.Drift = append(l.Drift, Drift{Column: name, Vendor: gap.vendor, Kept: kept})
}

// judgeDrift worsens the leg where columns were not asked for.
func (l *leg) judgeDrift() {
	if len(l.Drift) == 0 {
		return
	}
	parts := make([]string, len(l.Drift))
	for i, d := range l.Drift {
		parts[i] = fmt.Sprintf("%s (vendor field %s, %d values kept)", d.Column, d.Vendor, d.Kept)
		if strings.Count(d.Column, ".") == 1 {
			parts[i] = fmt.Sprintf("all of %s (vendor field %s, its rows stay as they are)", d.Column, d.Vendor)
		}
	}
	reason := "these columns were not asked for and keep what they last held: " + strings.Join(parts, "; ")
	if l.Reason != "" && l.Status == Complete {
		reason = l.Reason + "; " + reason // someone accepted it
	}
	l.worsen(Drifted, reason)
}
