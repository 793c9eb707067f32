package staging

import (
	"nightjar/cmd/etl/internal/summary"
	"nightjar/load/ref"
	"nightjar/transform"
)

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

func (g gapsByQuery) of(r *Rows, query string) ([]transform.Gap, error) {
	if gaps, ok := g[query]; ok {
		return gaps, nil
	}
	gaps, err := r.Stream.Gaps(query)
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
func (r *Rows) noteGaps(page ref.Page, gaps []transform.Gap) error {
	if len(gaps) == 0 {
		return nil
	}
	columns := map[string][]string{}
	r.mu.Lock()
	for _, g := range gaps {
		at := gapKey{g.Table, g.Column}
		r.gaps[at] = gapSeen{g.Vendor, max(r.gaps[at].run, page.Run.ID)}
		if g.Column != "" {
			columns[g.Table] = append(columns[g.Table], g.Column)
		}
	}
	r.mu.Unlock()
	for table, names := range columns {
		if err := r.stages[table].NotAsked(page.String(), names); err != nil {
			return err
		}
	}
	return nil
}

// Drift says which columns pages of the leg were not asked for; kept tells how many values
// of a column of a table that has kept. Where history is read again, as rereads says of a
// table, it is what the newest run lacks: a field that came back is no news, however often
// the pages without it are read.
func (r *Rows) Drift(rereads func(table string) bool, kept func(table, column int) int64) []summary.Drift {
	var all []summary.Drift
	add := func(at gapKey, kept int64) {
		gap, ok := r.gaps[at]
		if !ok || gap.run < r.Through && rereads(at.table) {
			return
		}
		name := at.table
		if at.column != "" {
			name += "." + at.column
		}
		all = append(all, summary.Drift{Column: name, Vendor: gap.vendor, Kept: kept})
	}
	for i, t := range r.Stream.Tables {
		add(gapKey{t.Full(), ""}, 0)
		for c, column := range t.Columns {
			add(gapKey{t.Full(), column.Name}, kept(i, c))
		}
	}
	return all
}
