// Package summary is how a run ended, of each of its pipelines and of their windows: what
// --json prints, what run records keep, and what etl.runs and etl.reconciliation are made
// of. It is plain values and what follows from them.
package summary

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"nightjar/load/ref"
)

// Status is how a leg, or a run, ended.
type Status string

const (
	Complete    Status = "complete"    // published, and nothing is known to be missing
	Drifted     Status = "drifted"     // published, but columns were not asked for: the vendor has their fields no more
	Incomplete  Status = "incomplete"  // rows are known to be missing
	Held        Status = "held"        // not to be trusted without someone's word
	Failed      Status = "failed"      //
	Interrupted Status = "interrupted" // the operator stopped it
	// Unverifiable is a window that is whole by all that can be known, of a vendor
	// that tells neither a total nor an end.
	Unverifiable Status = "unverifiable"
)

// Retry says of a leg that is not complete whether to ask again soon may help.
type Retry string

const (
	RetryLater Retry = "later" // it failed, or was stopped
	RetryOnce  Retry = "once"  // rows are missing, or not to be trusted: that may pass
	RetryNever Retry = "never" // it takes a person, or another day: a cap, refused credentials, a write
)

// LacksNothing reports whether nothing is known to be missing of a window that ended so.
func (s Status) LacksNothing() bool { return s == Complete || s == Unverifiable }

// severity orders statuses: a run is as good as its worst leg.
var severity = map[Status]int{Complete: 0, Unverifiable: 0, Drifted: 1, Held: 2, Incomplete: 3, Failed: 4, Interrupted: 5}

// Summary is how one run ended, as --json prints it.
type Summary struct {
	RunID      ref.RunID `json:"run_id"`
	Mode       string    `json:"mode"`
	Status     Status    `json:"status"`
	Reason     string    `json:"reason,omitempty"`     // why nothing was published, where it was this machine's doing
	Generation int       `json:"generation,omitempty"` // that the run published; zero if none
	Parent     int       `json:"parent,omitempty"`     // live before the run
	Started    time.Time `json:"started"`
	Finished   time.Time `json:"finished,omitzero"`
	Warehouse  string    `json:"warehouse"`
	Pipelines  []*Leg    `json:"pipelines"`
	Marts      []Mart    `json:"marts,omitempty"`
	Damage     []string  `json:"damage,omitempty"` // found in the warehouse, and what became of it

	// Next says what there is to do, a sentence each; nothing for a run that is complete.
	Next []string `json:"next,omitempty"`

	Version string `json:"-"` // of the program that ran
}

// Mart is the size of one mart after the run.
type Mart struct {
	Name string `json:"name"`
	Rows int64  `json:"rows"`
}

// Leg is one pipeline's part in a run.
type Leg struct {
	Pipeline string `json:"pipeline"`
	Source   string `json:"source"`
	Stream   string `json:"stream"`
	Status   Status `json:"status"`
	// Published says whether the leg's rows are in the generation.
	Published bool   `json:"published"`
	Reason    string `json:"reason,omitempty"` // of a status other than complete
	// Due is the time of the schedule that the leg was run for; zero for a run by hand.
	Due      time.Time `json:"due,omitzero"`
	Retry    Retry     `json:"retry,omitempty"` // of a leg that is not complete
	Started  time.Time `json:"started,omitzero"`
	Finished time.Time `json:"finished,omitzero"`

	Adopted     int   `json:"adopted_runs"`    // earlier runs whose landed pages the leg took over
	Skipped     int   `json:"skipped_windows"` // settled windows that an adopted run had landed whole
	Requests    int64 `json:"requests"`
	Retries     int64 `json:"retries"`
	SignIns     int64 `json:"sign_ins"`
	Pages       int64 `json:"pages"`
	Fetched     int64 `json:"fetched"`  // records the vendor returned
	New         int64 `json:"rows_new"` // of all the stream's tables, as the next two
	Changed     int64 `json:"rows_changed"`
	Unchanged   int64 `json:"rows_unchanged"`
	Superseded  int64 `json:"rows_superseded"`
	Rejects     int64 `json:"rejects"`          // as etl.rejects adds them up: pages, records, nested rows and fields
	Rejected    int64 `json:"rejected_records"` // whole records, those of rejected pages among them
	VendorTotal int64 `json:"vendor_total"`     // -1 where the vendor tells none
	Loaded      int64 `json:"loaded"`           // distinct records of the leg that are in the stream's main table

	Windows  []*Window `json:"windows"`
	Findings []string  `json:"schema_drift,omitempty"`
	Drift    []Drift   `json:"kept_columns,omitempty"`
}

// Ref names the stream that the leg reads.
func (l *Leg) Ref() ref.Stream { return ref.Stream{Source: l.Source, Name: l.Stream} }

// Drift is a column that pages of a leg were not asked for, because the vendor has
// the field no more. Rows keep what they last held there.
type Drift struct {
	Column string `json:"column"`       // "schema.table.column"; "schema.table" where no row is asked for
	Vendor string `json:"vendor_field"` // "Conversation.language"
	Kept   int64  `json:"kept"`         // records of the leg that keep a value
}

// Window is the reconciliation of one window of a leg.
type Window struct {
	RunID       ref.RunID `json:"run_id"` // the run that landed it
	ID          string    `json:"id"`
	From        time.Time `json:"from,omitzero"`
	To          time.Time `json:"to,omitzero"`
	Status      Status    `json:"status"`
	Reason      string    `json:"reason,omitempty"`
	VendorTotal int64     `json:"vendor_total"`
	Fetched     int64     `json:"fetched"`
	Distinct    int64     `json:"distinct_keys"`
	Superseded  int64     `json:"superseded"`
	Loaded      int64     `json:"loaded"`
	Rejected    int64     `json:"rejected"`
	Pages       int64     `json:"pages"`
	Requests    int64     `json:"requests"`
	Retries     int64     `json:"retries"`
}

// Worsen records the first reason for a status worse than the leg's.
func (l *Leg) Worsen(s Status, reason string) {
	if severity[s] > severity[l.Status] {
		l.Status, l.Reason = s, reason
	}
}

// Settle gives the summary the status of its worst leg, and says what there is to do.
func (s *Summary) Settle() {
	s.Status = Complete
	if s.Reason != "" {
		s.Status = Failed
	}
	for _, l := range s.Pipelines {
		l.settle()
		if severity[l.Status] > severity[s.Status] {
			s.Status = l.Status
		}
	}
	s.advise()
}

// settle says whether to ask again may help, where nobody knows better.
func (l *Leg) settle() {
	switch l.Status {
	case Failed, Interrupted:
		l.Retry = cmp.Or(l.Retry, RetryLater)
	case Held, Incomplete:
		l.Retry = cmp.Or(l.Retry, RetryOnce)
	default:
		l.Retry = ""
	}
}

// Why gives the reasons of a run in one line: its own, and those of its pipelines, each
// behind the names of those that have it. Empty where there is none.
func (s *Summary) Why() string {
	var reasons []string
	names := map[string][]string{} // of the pipelines with a reason
	for _, l := range s.Pipelines {
		if l.Reason == "" || s.Reason != "" && strings.Contains(l.Reason, s.Reason) {
			continue
		}
		if names[l.Reason] == nil {
			reasons = append(reasons, l.Reason)
		}
		names[l.Reason] = append(names[l.Reason], l.Pipeline)
	}
	for i, reason := range reasons {
		reasons[i] = strings.Join(names[reason], ", ") + ": " + reason
	}
	if s.Reason != "" {
		reasons = append([]string{s.Reason}, reasons...)
	}
	return strings.Join(reasons, "; ")
}

// advise says what there is to do about the legs that are not complete.
func (s *Summary) advise() {
	var again []string
	held := false
	for _, l := range s.Pipelines {
		switch {
		case l.Published || l.Status == Complete:
		case l.Status == Failed || l.Status == Interrupted:
			again = append(again, l.Pipeline)
		case l.Status == Held || l.Status == Incomplete:
			held = true
		}
	}
	if len(again) > 0 {
		s.Next = append(s.Next, fmt.Sprintf("`etl run %s` goes on from what has landed, once the reason is mended", strings.Join(again, " ")))
	}
	switch {
	case held && s.Mode == "replay":
		s.Next = append(s.Next, "restore what is missing and replay again, or publish what is left with `etl replay --accept`")
	case held:
		s.Next = append(s.Next, fmt.Sprintf("`etl held show %[1]s` says why; `etl held accept %[1]s` publishes it all the same, `etl held discard %[1]s` never", s.RunID))
	}
}
