package publish

import (
	"context"

	"nightjar/cmd/etl/internal/summary"
	"nightjar/cmd/etl/internal/warehouse"
	"nightjar/load"
	"nightjar/load/database"
	"nightjar/load/generation"
)

// computeMarts makes the marts in the database and beside it, and returns their rows
// by name.
func (p *Publisher) computeMarts(ctx context.Context, db *database.DB) (map[string]int64, error) {
	return db.Compute(ctx, warehouse.Marts(), func(mart load.Mart) string {
		return p.Build.Path(generation.MartPath(mart.Schema, mart.Name))
	})
}

// sumMarts describes the marts' files. One that came out as it was is the
// parent's file again.
func (p *Publisher) sumMarts(m *generation.Manifest, rows map[string]int64) error {
	for _, mart := range warehouse.Marts() {
		f, err := p.Build.Sum(generation.MartPath(mart.Schema, mart.Name), rows[mart.Name])
		if err != nil {
			return err
		}
		if p.Live != nil {
			old, ok := p.Live.Manifest.Marts[mart.Full()]
			if ok && !p.Live.Untouched(old) {
				p.Found("%s of generation %d is not what was published; it is made anew", old.Path, p.Live.Manifest.Generation)
			}
			if err := p.shareSame(f, old); err != nil {
				return err
			}
		}
		m.Marts[mart.Full()] = f
		p.Summary.Marts = append(p.Summary.Marts, summary.Mart{Name: mart.Name, Rows: f.Rows})
	}
	return nil
}
