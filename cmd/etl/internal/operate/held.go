package operate

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"nightjar/cmd/etl/internal/ledger"
	"nightjar/cmd/etl/internal/warehouse"
	"nightjar/load/landing"
	"nightjar/load/ref"
	"nightjar/transform"
)

// HeldDetail is a held run with what is to be known before someone decides.
type HeldDetail struct {
	warehouse.HeldRun
	Records int64         `json:"records"` // in its pages
	Windows []HeldWindow  `json:"windows"`
	Rejects []RejectGroup `json:"rejects,omitempty"` // most first
}

// HeldWindow is how a window of a held run ended.
type HeldWindow struct {
	ID          string `json:"id"`
	Status      string `json:"status"`
	Reason      string `json:"reason,omitempty"`
	Fetched     int64  `json:"fetched"`
	VendorTotal *int64 `json:"vendor_total,omitempty"` // nil where the vendor tells none
}

// RejectGroup is the rejects of a held run that have field and reason in common.
type RejectGroup struct {
	Scope   string   `json:"scope"`
	Field   string   `json:"field,omitempty"`
	Reason  string   `json:"reason"`
	Rejects int64    `json:"rejects"`
	Samples []Sample `json:"samples"` // the first ones
}

// Sample is one rejected value. The value itself may be personal.
type Sample struct {
	Page   string  `json:"page"`
	Length int     `json:"length"`          // bytes, of the first 2 KiB
	Value  *string `json:"value,omitempty"` // only where it was asked for
}

// samples is how many rejects of a group are shown.
const samples = 3

// ShowHeld says why a run is held, with samples of what was rejected. It opens no
// socket, and changes nothing. The samples have values only where they are asked for:
// they are a vendor's words, and may be personal.
func ShowHeld(ctx context.Context, site *warehouse.Site, runID ref.RunID, pipelines []string, values bool) ([]HeldDetail, error) {
	view, found, err := lookForHeld(site, runID, pipelines)
	if err != nil {
		return nil, err
	}
	var all []HeldDetail
	for _, h := range found {
		detail, err := detail(ctx, view, h, values)
		if err != nil {
			return nil, err
		}
		all = append(all, detail)
	}
	return all, nil
}

func detail(ctx context.Context, view *warehouse.View, h warehouse.HeldRun, values bool) (HeldDetail, error) {
	d := HeldDetail{HeldRun: h}
	landed, err := view.Zone.Run(h.Ref().Run(h.RunID))
	if err != nil {
		return d, err
	}
	for _, w := range landed.Windows {
		window := HeldWindow{ID: w.ID, Status: w.Status, Reason: w.Reason, Fetched: w.Fetched}
		if w.VendorTotal >= 0 {
			window.VendorTotal = &w.VendorTotal
		}
		d.Windows = append(d.Windows, window)
	}
	groups := rejectGroups{values: values}
	err = view.Decode(ctx, landed, func(page *landing.Landed) ([]byte, error) {
		d.Records += page.Rows
		return view.Zone.Body(page, nil)
	}, groups.take)
	d.Rejects = groups.sorted()
	return d, err
}

// rejectGroups gathers rejects by field and reason.
type rejectGroups struct {
	values bool
	all    []*RejectGroup
}

func (g *rejectGroups) take(t transform.Table, rec arrow.Record) error {
	if t.Full() != transform.Rejects().Full() {
		return nil
	}
	text := func(name string, i int) string {
		return strings.Clone(rec.Column(rec.Schema().FieldIndices(name)[0]).(*array.String).Value(i))
	}
	counts := rec.Column(rec.Schema().FieldIndices("records")[0]).(*array.Int64)
	for i := range int(rec.NumRows()) {
		group := g.of(text("scope", i), text("field", i), text("reason", i))
		group.Rejects += counts.Value(i)
		if len(group.Samples) == samples {
			continue
		}
		raw := text("raw", i)
		sample := Sample{Page: text("_page", i), Length: len(raw)}
		if g.values {
			sample.Value = &raw
		}
		group.Samples = append(group.Samples, sample)
	}
	return nil
}

func (g *rejectGroups) of(scope, field, reason string) *RejectGroup {
	for _, group := range g.all {
		if group.Scope == scope && group.Field == field && group.Reason == reason {
			return group
		}
	}
	g.all = append(g.all, &RejectGroup{Scope: scope, Field: field, Reason: reason})
	return g.all[len(g.all)-1]
}

func (g *rejectGroups) sorted() []RejectGroup {
	var all []RejectGroup
	for _, group := range g.all {
		all = append(all, *group)
	}
	slices.SortStableFunc(all, func(a, b RejectGroup) int { return cmp.Compare(b.Rejects, a.Rejects) })
	return all
}

// Held lists the landed runs that wait for someone's word, the oldest first.
func Held(site *warehouse.Site) ([]warehouse.HeldRun, error) {
	view, err := site.Look(false)
	if err != nil {
		return nil, err
	}
	return view.Held()
}

// lookForHeld finds the held parts of a run.
func lookForHeld(site *warehouse.Site, runID ref.RunID, pipelines []string) (*warehouse.View, []warehouse.HeldRun, error) {
	view, err := site.Look(false)
	if err != nil {
		return nil, nil, err
	}
	found, err := view.HeldNamed(runID, pipelines)
	return view, found, err
}

// Discard decides that what a run has landed and what is held of it is never published.
// Its pages stay in the landing zone.
func Discard(ctx context.Context, site *warehouse.Site, runID ref.RunID, pipelines []string) ([]warehouse.HeldRun, error) {
	release, err := site.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	view, found, err := lookForHeld(site, runID, pipelines)
	if err != nil {
		return nil, err
	}
	_, err = view.DecideAlone("discard", 0, warehouse.HeldDecision(ledger.Discard, found, "discarded"))
	return found, err
}
