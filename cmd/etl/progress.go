package main

import (
	"fmt"
	"io"

	"github.com/schollz/progressbar/v3"
)

// bars shows how a run gets on, on a terminal.
type bars struct {
	w        io.Writer
	bar      *progressbar.ProgressBar
	rows     int64
	requests map[string]int64
}

func newBars(w io.Writer) *bars { return &bars{w: w, requests: map[string]int64{}} }

// Start begins the bar of a leg.
func (b *bars) Start(pipeline string, requests int) {
	b.rows = 0
	b.begin(pipeline, requests)
}

// Stage begins a spinner.
func (b *bars) Stage(what string) { b.begin(what, -1) }

func (b *bars) begin(what string, most int) {
	if most <= 0 {
		most = -1
	}
	b.bar = progressbar.NewOptions(most,
		progressbar.OptionSetWriter(b.w), progressbar.OptionSetDescription(fmt.Sprintf("%-16s", what)),
		progressbar.OptionShowCount(), progressbar.OptionSetItsString("requests"), progressbar.OptionShowIts(),
		progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish(), progressbar.OptionSetWidth(30))
}

// Page moves the bar by a request. More requests than expected stretch it.
func (b *bars) Page(pipeline string, rows, _ int64) {
	b.rows += rows
	if b.bar.GetMax() > 0 && b.bar.State().CurrentNum >= int64(b.bar.GetMax()) {
		b.bar.ChangeMax(b.bar.GetMax() + 1)
	}
	b.bar.Describe(fmt.Sprintf("%-16s %d records", pipeline, b.rows))
	b.bar.Add(1)
}

// Done clears the bar.
func (b *bars) Done() {
	b.bar.Finish()
	fmt.Fprint(b.w, "\r\033[K")
}
