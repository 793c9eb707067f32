package pipeline

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"nightjar/cmd/etl/internal/config"
	"nightjar/cmd/etl/internal/ledger"
	"nightjar/extract"
	"nightjar/transform"
)

// HeldRun is what one run has landed of one pipeline, and is published on someone's
// word alone.
type HeldRun struct {
	RunID    string    `json:"run_id"`
	Pipeline string    `json:"pipeline"`
	Source   string    `json:"source"`
	Stream   string    `json:"stream"`
	Status   string    `json:"status"` // held, incomplete, rolled back; superseded by a newer held run
	Reason   string    `json:"reason"`
	Mode     string    `json:"mode"`
	Started  time.Time `json:"started"`
	Pages    int       `json:"pages"`
}

// HeldDetail is a held run with what is to be known before someone decides.
type HeldDetail struct {
	HeldRun
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

// Held lists the landed runs that wait for someone's word, the oldest first.
func (r *Runner) Held() ([]HeldRun, error) {
	run, err := r.look(Request{})
	if err != nil {
		return nil, err
	}
	return run.held()
}

func (r *run) held() ([]HeldRun, error) {
	streams, err := r.streamsKnown()
	if err != nil {
		return nil, err
	}
	var all []HeldRun
	for _, s := range streams {
		standing, err := r.standing(s.Source, s.Stream)
		if err != nil {
			return nil, err
		}
		for _, h := range standing.Held {
			runs, err := r.runsNamed(s.Source, s.Stream, []string{h.ID})
			if err != nil {
				return nil, err
			}
			all = append(all, HeldRun{
				RunID: h.ID, Pipeline: r.pipelineOf(s.Source, s.Stream, runs).Name, Source: s.Source, Stream: s.Stream,
				Status: h.Word, Reason: h.Reason, Mode: runs[0].Header.Mode, Started: runs[0].Header.Started, Pages: runs[0].Landed,
			})
		}
	}
	slices.SortStableFunc(all, func(a, b HeldRun) int {
		return cmp.Or(strings.Compare(a.RunID, b.RunID), strings.Compare(a.Pipeline, b.Pipeline))
	})
	return all, nil
}

// heldNamed are the held parts of one run, of the pipelines named or of all.
func (r *run) heldNamed(runID string, pipelines []string) ([]HeldRun, error) {
	all, err := r.held()
	if err != nil {
		return nil, err
	}
	var found []HeldRun
	var others []string
	for _, h := range all {
		if h.RunID == runID && (len(pipelines) == 0 || slices.Contains(pipelines, h.Pipeline)) {
			found = append(found, h)
		}
		others = append(others, h.RunID+" "+h.Pipeline)
	}
	if len(found) == 0 {
		have := "none is"
		if len(others) > 0 {
			have = "held are " + strings.Join(others, ", ")
		}
		return nil, &UsageError{fmt.Sprintf("run %s is not held%s; %s", runID, ofPipelines(pipelines), have)}
	}
	return found, nil
}

func ofPipelines(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return " for " + strings.Join(names, ", ")
}

// ShowHeld says why a run is held, with samples of what was rejected. It opens no
// socket, and changes nothing. The samples have values only where they are asked for:
// they are a vendor's words, and may be personal.
func (r *Runner) ShowHeld(ctx context.Context, runID string, pipelines []string, values bool) ([]HeldDetail, error) {
	run, err := r.look(Request{})
	if err != nil {
		return nil, err
	}
	found, err := run.heldNamed(runID, pipelines)
	if err != nil {
		return nil, err
	}
	var all []HeldDetail
	for _, h := range found {
		detail, err := run.detail(ctx, h, values)
		if err != nil {
			return nil, err
		}
		all = append(all, detail)
	}
	return all, nil
}

func (r *run) detail(ctx context.Context, h HeldRun, values bool) (HeldDetail, error) {
	d := HeldDetail{HeldRun: h}
	landed, err := r.zone.Run(h.Source, h.Stream, h.RunID)
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
	decoder, err := transform.New(h.Source, h.Stream, r.transformOptions())
	if err != nil {
		return d, err
	}
	rows := transform.NewRows(memory.DefaultAllocator, h.Source, h.Stream)
	defer rows.Release()
	groups := rejectGroups{values: values}
	for page, err := range landed.Pages() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return d, err
		}
		body, err := r.zone.Body(&page, nil)
		if err != nil {
			return d, err
		}
		var request extract.Request
		if err := json.Unmarshal(page.Request, &request); err != nil {
			return d, fmt.Errorf("read the request record of %s: %w", page.Ref, err)
		}
		d.Records += page.Rows
		decoder.Decode(transform.Page{Ref: page.Ref, At: page.At, Records: page.Rows, Operation: request.Operation, Variables: request.Variables}, body, rows)
		if err := rows.Flush(groups.take); err != nil {
			return d, err
		}
	}
	d.Rejects = groups.sorted()
	return d, nil
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

// Accept publishes what a run has landed and what is held of it, of the pipelines named
// or of all. The word is durable before anything else happens: where the generation does
// not come, the next run publishes it. It opens no socket.
func (r *Runner) Accept(ctx context.Context, runID string, pipelines []string) (report *Report, err error) {
	defer func() { r.logFault(err) }()
	release, err := r.acquire()
	if err != nil {
		return nil, err
	}
	defer release()
	run, err := r.begin(Request{Accept: true, only: runID})
	if err != nil {
		return nil, err
	}
	defer run.close()
	if changed := run.changed(); len(changed) > 0 {
		return nil, &UsageError{strings.Join(changed, "; ") + ": the tables are to be made anew first, by `etl replay`"}
	}
	found, err := run.heldNamed(runID, pipelines)
	if err != nil {
		return nil, err
	}
	var chosen []config.Pipeline
	for _, h := range found {
		if h.Status == ledger.Superseded {
			return nil, &UsageError{fmt.Sprintf("run %s of %s is superseded: a newer held run asked for the same, and for more (etl held)", runID, h.Pipeline)}
		}
		landed, err := run.runsNamed(h.Source, h.Stream, []string{runID})
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, run.pipelineOf(h.Source, h.Stream, landed))
	}
	run.report.Mode = "accept"
	if err := run.beginRecord(announced(chosen)); err != nil {
		return nil, err
	}
	if err := run.decide(heldDecision(ledger.Accept, found, "accepted by run "+run.id)); err != nil {
		return nil, run.fail(err)
	}
	for _, cfg := range chosen {
		l, err := run.add(cfg)
		if err == nil {
			err = l.extract(ctx)
		}
		if err != nil {
			l.fail(err)
		}
		l.Finished = time.Now().UTC()
	}
	return run.conclude(ctx), nil
}

// Discard decides that what a run has landed and what is held of it is never published.
// Its pages stay in the landing zone.
func (r *Runner) Discard(runID string, pipelines []string) ([]HeldRun, error) {
	release, err := r.acquire()
	if err != nil {
		return nil, err
	}
	defer release()
	run, err := r.look(Request{})
	if err != nil {
		return nil, err
	}
	found, err := run.heldNamed(runID, pipelines)
	if err != nil {
		return nil, err
	}
	return found, run.decideAlone("discard", 0, heldDecision(ledger.Discard, found, "discarded"))
}

// heldDecision is a word about held runs.
func heldDecision(kind ledger.Kind, found []HeldRun, reason string) ledger.Decision {
	d := ledger.Decision{Kind: kind, Streams: map[ledger.Stream]ledger.Change{}}
	for _, h := range found {
		d.Streams[ledger.Stream(streamKey(h.Source, h.Stream))] = ledger.Change{Runs: []ledger.Counted{{ID: h.RunID, Pages: h.Pages}}, Reason: reason}
	}
	return d
}
