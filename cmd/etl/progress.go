package main

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
)

// bars shows how a run gets on, on a terminal.
type bars struct {
	w        io.Writer
	bar      *progressbar.ProgressBar
	rows     int64
	byWindow bool // the bar counts windows, not requests
}

func newBars(w io.Writer) *bars { return &bars{w: w} }

// Start begins the bar of a leg: over its windows where it has several, else over
// the requests that it expects.
func (b *bars) Start(pipeline string, windows, requests int) {
	b.rows, b.byWindow = 0, windows > 1
	switch {
	case b.byWindow:
		b.begin(pipeline, windows, "windows")
	case requests > 0:
		b.begin(pipeline, requests, "requests")
	default:
		b.begin(pipeline, -1, "requests")
	}
}

// Stage begins a spinner.
func (b *bars) Stage(what string) { b.begin(what, -1, "") }

func (b *bars) begin(what string, most int, unit string) {
	b.bar = progressbar.NewOptions(most,
		progressbar.OptionSetWriter(b.w), progressbar.OptionSetDescription(fmt.Sprintf("%-16s", what)),
		progressbar.OptionShowCount(), progressbar.OptionSetItsString(unit), progressbar.OptionShowIts(),
		progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(65*time.Millisecond), progressbar.OptionSetWidth(30))
}

// Page shows the records so far, and moves a bar of requests. More requests than
// expected stretch it.
func (b *bars) Page(pipeline string, rows int64) {
	b.rows += rows
	b.bar.Describe(fmt.Sprintf("%-16s %d records", pipeline, b.rows))
	if b.byWindow {
		return
	}
	if b.bar.GetMax() > 0 && b.bar.State().CurrentNum >= int64(b.bar.GetMax()) {
		b.bar.ChangeMax(b.bar.GetMax() + 1)
	}
	b.bar.Add(1)
}

// Window moves a bar of windows.
func (b *bars) Window(string) {
	if b.byWindow {
		b.bar.Add(1)
	}
}

// Done clears the bar.
func (b *bars) Done() {
	b.bar.Finish()
	fmt.Fprint(b.w, "\r\033[K")
}
