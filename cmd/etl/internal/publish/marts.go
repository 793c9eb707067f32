package publish

import (
	"time"

	"nightjar/cmd/etl/internal/streams"
	"nightjar/load/database"
	"nightjar/load/generation"
)

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
