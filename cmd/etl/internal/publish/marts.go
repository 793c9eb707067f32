package publish

import (
	"context"
	"time"

	"nightjar/cmd/etl/internal/streams"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/cmd/etl/internal/warehouse"
	"nightjar/load"
	"nightjar/load/database"
	"nightjar/load/generation"
)

// computeMarts makes the marts in the database and beside it, and returns their rows
// by name.
func (p *Publisher) computeMarts(ctx context.Context, db *database.DB, m *generation.Manifest) (map[string]int64, error) {
	return db.Compute(ctx, warehouse.Marts(), p.variables(m), func(mart load.Mart) string {
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

// variables are what the queries of the marts read: the configuration, and how
// fresh each stream is. Nothing in them is the clock's.
func (p *Publisher) variables(m *generation.Manifest) database.Variables {
	v := database.Variables{
		"timezone":      database.Text(p.Config.Timezone.String()),
		"csat_channels": database.Texts(p.Config.Marts.CSATChannels),
		"nps_channels":  database.Texts(p.Config.Marts.NPSChannels),
	}
	for _, stream := range streams.All() {
		if name := stream.Variable; name != "" {
			v[name+"_as_of"] = database.Instant(p.AsOf(m, stream))
			v[name+"_settle"] = database.Interval(p.settleOf(stream))
		}
		if stream.Attribution > 0 {
			v["revenue_settle"] = database.Interval(max(p.settleOf(stream), stream.Attribution))
		}
	}
	return v
}

// settleOf is how long a record of the stream may still change.
func (p *Publisher) settleOf(stream *streams.Stream) time.Duration {
	if pipeline, ok := p.Config.Loader(stream.Ref()); ok && stream.Settle != nil {
		return stream.Settle(pipeline)
	}
	return 0
}
