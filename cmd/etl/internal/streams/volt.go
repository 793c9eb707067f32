package streams

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"nightjar/extract"
	"nightjar/extract/volt"
	"nightjar/load/database"
	"nightjar/transform"
)

var messages = &Stream{
	Stream: transform.Messages(), Records: "messages",
	Open:    func(o *Opener) extract.Stream { return volt.NewMessages(o.volt()) },
	Changed: "sent_at", Settle: settle, Left: accountsLeft, Learn: learnWaves,
	CredentialKeys: token,
}

var waves = &Stream{
	Stream: transform.Waves(), Records: "waves", Order: 1,
	Open:           func(o *Opener) extract.Stream { return volt.NewWaves(o.volt()) },
	Settle:         settle,
	CredentialKeys: token,
	Unproven:       "the vendor lists no waves: ids were tried until enough in a row were absent",
}

// byWave is the mart that names every account and every wave that messages name, in far
// fewer rows than there are messages.
const byWave = "marts.messages_by_wave"

const token = "token (or token_file)"

func (o *Opener) volt() volt.Config {
	s := o.Config.Sources.Volt
	return volt.Config{
		Endpoint: s.Endpoint, Token: s.Token.Reveal(), Accounts: s.Accounts, Transport: o.transport(s.Wire),
		Settle: o.Pipeline.Settle, Gap: o.Pipeline.Gap, FirstID: o.Pipeline.FirstID, Budget: o.Pipeline.Budget, Warehouse: o.Holdings,
	}
}

// accountsLeft lists the accounts whose messages the warehouse holds and that are not
// among those of the configuration.
func accountsLeft(ctx context.Context, o *Opener) ([]string, error) {
	held, err := column[string](ctx, o.Holdings, "SELECT DISTINCT account_phone FROM "+byWave+" WHERE account_phone IS NOT NULL ORDER BY 1")
	if err != nil {
		return nil, err
	}
	var left []string
	for _, account := range held {
		if !slices.Contains(o.Config.Sources.Volt.Accounts, account) {
			left = append(left, "account "+account+" is no longer asked for; its messages stay")
		}
	}
	return left, nil
}

// learnWaves notes the wave ids of staged messages.
func learnWaves(h *Holdings, t transform.Table, rec arrow.Record) {
	if t.Full() != "volt.messages" { // but one of the rejects
		return
	}
	ids := rec.Column(rec.Schema().FieldIndices("wave_id")[0]).(*array.Int64)
	for i := range ids.Len() {
		if ids.IsValid(i) {
			h.waves[ids.Value(i)] = struct{}{}
		}
	}
}

// WaveIDs returns the ids beyond the given one of the waves held, and those that
// messages name, live or staged, while their wave is not held. Both ascend.
func (h *Holdings) WaveIDs(ctx context.Context, beyond int64) (held, named []int64, err error) {
	if held, err = column[int64](ctx, h, fmt.Sprintf("SELECT wave_id FROM volt.waves WHERE wave_id > %d ORDER BY wave_id", beyond)); err != nil {
		return nil, nil, err
	}
	named, err = column[int64](ctx, h, fmt.Sprintf("SELECT wave_id FROM (SELECT DISTINCT wave_id FROM %s WHERE wave_id IS NOT NULL) m WHERE NOT EXISTS (FROM volt.waves w WHERE w.wave_id = m.wave_id)", byWave))
	if err != nil {
		return nil, nil, err
	}
	staged := slices.Sorted(maps.Keys(h.waves))
	there, err := column[int64](ctx, h, fmt.Sprintf("SELECT wave_id FROM volt.waves WHERE wave_id IN (SELECT unnest([%s]::BIGINT[]))", list(staged)))
	if err != nil {
		return nil, nil, err
	}
	all := maps.Clone(h.waves)
	for _, id := range there {
		delete(all, id)
	}
	for _, id := range named {
		all[id] = struct{}{}
	}
	return held, slices.Sorted(maps.Keys(all)), nil
}

// UnsettledWaves returns the ids of the waves scheduled at or after before, or
// at an unknown time. They are asked for apart: of either DuckDB knows where to look.
func (h *Holdings) UnsettledWaves(ctx context.Context, before time.Time) ([]int64, error) {
	return column[int64](ctx, h, "SELECT wave_id FROM volt.waves WHERE scheduled_at IS NULL UNION ALL SELECT wave_id FROM volt.waves WHERE scheduled_at >= "+database.Instant(before))
}

// SettledMessages returns which of ids are in the warehouse with a final status
// and sent before the time given.
func (h *Holdings) SettledMessages(ctx context.Context, ids []int64, before time.Time) (map[int64]bool, error) {
	settled := map[int64]bool{}
	if len(ids) == 0 {
		return settled, nil
	}
	found, err := column[int64](ctx, h, fmt.Sprintf("SELECT message_id FROM volt.messages WHERE message_id IN (%s) AND status IN ('delivered', 'failed') AND sent_at < %s",
		list(ids), database.Instant(before)))
	for _, id := range found {
		settled[id] = true
	}
	return settled, err
}
