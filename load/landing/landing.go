// Package landing keeps the vendors' pages as they came. Every page is durable
// here before anything reads it, and every table can be rebuilt from here with
// the network off.
//
// Glossary. The zone is a folder: <source>/<stream>/<run id>/. A run is one walk
// of a stream, and has at most three files: journal.jsonl says what was asked for each
// page, which windows ended and how the run ended; the pack, pages.tar, holds the pages,
// each a member that is compressed by itself (000012.json.zst); aside.jsonl is there only
// where damage was set aside, and says what of the run is done without.
//
// A page has landed when its journal line is whole. The line is written after the page
// is in the pack and synced, so that what stands in the pack without a line is litter of
// a crash, and a line whose page the pack does not hold is corruption. The line says
// where the page's bytes stand; nothing else does, and no page depends on what stands
// beside it. So a pack and its journal can be written anew without some of the pages,
// and every reference to the others holds.
//
// Any tar reads a pack, also that of a run that died: it has no end then, and may have
// half a page behind the last that landed.
//
// What is damaged stays where it is, set aside or not: a good copy of the file in its
// place is good again.
//
// Each line of the journal is a JSON object that begins with its type (header, query,
// page, window, end, mark) and ends with the CRC-32C of all before it; those of
// aside.jsonl (page, journal) too. The text of a query is written once and referred to by
// the pages that follow. The variables of a request, which may name a customer, are no
// part of the journal: they stand behind the page in its member, as a frame that readers
// of zstd skip.
package landing

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"nightjar/load/ref"
)

// ErrEnded is returned by a Writer's methods once End or Close has been called.
var ErrEnded = errors.New("the run has ended")

// Header opens a run.
type Header struct {
	Source   string          `json:"source"` // identifier: a-z, 0-9 and _, beginning with a letter
	Stream   string          `json:"stream"` // identifier
	RunID    ref.RunID       `json:"run_id"`
	Pipeline string          `json:"pipeline"`
	Mode     string          `json:"mode"`              // what the run was asked for: "nightly", "backfill", "full"
	Version  string          `json:"version"`           // of the program
	Started  time.Time       `json:"started"`           // UTC
	Windows  json.RawMessage `json:"windows,omitempty"` // the plan, the caller's own JSON; nil if none
	// Follows is the run of the stream that had landed before this one; empty for the
	// first. A run that is lost is missed by the one that follows it.
	Follows  ref.RunID       `json:"follows,omitempty"`
	Bookmark json.RawMessage `json:"bookmark,omitempty"` // where the stream stood, the caller's own JSON; nil if nowhere
}

// Ref names what the run has landed.
func (h Header) Ref() ref.Run { return ref.Stream{Source: h.Source, Name: h.Stream}.Run(h.RunID) }

// Page is one answer of a vendor that is to be landed.
type Page struct {
	Window  string          // the window's id
	Body    []byte          // the vendor's bytes; not changed by the caller until they are handed on
	Request json.RawMessage // what was asked, a JSON object without secrets; nil if unknown
	Write   bool            // the request wrote at the vendor: what it was about is kept in the journal too
	At      time.Time       // when the answer was whole, UTC, microseconds
	Rows    int64           // records in the page
	Total   int64           // records the vendor says there are in the window; below zero if it does not say
	After   json.RawMessage // bookmark after this page; nil leaves it where it is
}

// Landed is a durable page without its body.
type Landed struct {
	Ref     ref.Page        `json:"-"`
	Seq     int             `json:"seq"` // counts from 1 within the run
	Window  string          `json:"window"`
	Rows    int64           `json:"rows"`
	Total   int64           `json:"total"`             // below zero if unknown
	Request json.RawMessage `json:"request,omitempty"` // compact JSON, the query's text included; its variables once Body was read
	At      time.Time       `json:"at"`
	SHA256  string          `json:"sha256"`          // of the body, hexadecimal
	Bytes   int64           `json:"bytes"`           // of the body
	Offset  int64           `json:"offset"`          // where its compressed bytes begin in the pack
	Stored  int64           `json:"stored"`          // how many they are
	Asked   int64           `json:"asked,omitempty"` // of those at its end, that hold the request's variables
	After   json.RawMessage `json:"after,omitempty"` // nil leaves the bookmark where it is
}

// WindowEnd says how one window of a run ended. All its pages have landed before.
type WindowEnd struct {
	ID          string    `json:"id"`
	From        time.Time `json:"from,omitzero"` // [From, To) in UTC; both zero where the window is no interval
	To          time.Time `json:"to,omitzero"`
	Scope       string    `json:"scope,omitempty"`  // what was asked for beside the interval, the caller's own words
	Status      string    `json:"status"`           // "complete", "incomplete", "unverifiable", "failed"
	Reason      string    `json:"reason,omitempty"` // empty where Status is "complete"
	Settled     bool      `json:"settled"`          // the vendor no longer changes what the window holds
	VendorTotal int64     `json:"vendor_total"`     // below zero if the vendor tells none
	Fetched     int64     `json:"fetched"`          // rows
	Pages       int64     `json:"pages"`
	Requests    int64     `json:"requests"` // retries included
	Retries     int64     `json:"retries"`
	Finished    time.Time `json:"finished"` // UTC
}

// Status is how a run ended.
type Status string

const (
	StatusLanded     Status = "landed"     // every planned window was walked to its end
	StatusIncomplete Status = "incomplete" // rows are known to be missing
	StatusHeld       Status = "held"       // landed, and not to be published before someone accepts it
	StatusFailed     Status = "failed"
	StatusAccepted   Status = "accepted"    // a mark: a held run that someone accepted
	StatusDiscarded  Status = "discarded"   // a mark: a held run that someone discarded
	StatusRolledBack Status = "rolled back" // a mark: a run whose generation was taken back
)

// End closes a run.
type End struct {
	Status   Status    `json:"status"`
	Reason   string    `json:"reason,omitempty"`
	Finished time.Time `json:"finished"` // UTC
}

// Mark is a later note on a run.
type Mark struct {
	Status Status    `json:"status"`
	Reason string    `json:"reason,omitempty"`
	At     time.Time `json:"at"` // UTC
}

// CorruptError says that something that had landed can no longer be trusted.
type CorruptError struct {
	Ref ref.Page
	Err error
}

func (e *CorruptError) Error() string { return fmt.Sprintf("landed %s is corrupt: %v", e.Ref, e.Err) }
func (e *CorruptError) Unwrap() error { return e.Err }
