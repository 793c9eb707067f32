package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"nightjar/cmd/etl/internal/pipeline"
)

// The status names whom a session was requested for without anyone knowing what came
// of it, and when that is repeated; of many, the first.
func TestStatusNamesUncertainContacts(t *testing.T) {
	at := time.Date(2026, 11, 20, 4, 0, 0, 0, time.UTC)
	few := []pipeline.UnknownRequest{
		{Contact: "c1", RunID: "20261120T040000.000Z", At: at},
		{Contact: "c2", RunID: "20261120T040000.000Z", At: at, Again: at.Add(24 * time.Hour)},
	}
	var many []pipeline.UnknownRequest
	for i := range 25 {
		many = append(many, pipeline.UnknownRequest{Contact: fmt.Sprintf("c%d", i+1), At: at})
	}
	for _, c := range []struct {
		unknown     []pipeline.UnknownRequest
		says, never string
	}{
		{nil, "", "unknown"},
		{few, "idv: the outcome of the last request is unknown for 2 contacts", "more"},
		{few, "  c1: requested 2026-11-20 04:00 by run 20261120T040000.000Z, is not repeated\n", "more"},
		{few, "  c2: requested 2026-11-20 04:00 by run 20261120T040000.000Z, is repeated from 2026-11-21 04:00 on\n", "more"},
		{many, "  and 5 more: etl status --json", "c21"},
	} {
		var b strings.Builder
		writeState(&b, &pipeline.State{Pipelines: []pipeline.PipelineState{{Pipeline: "idv", Unknown: c.unknown}}}, time.UTC)
		if got := b.String(); !strings.Contains(got, c.says) || strings.Contains(got, c.never) {
			t.Errorf("%d contacts: %s", len(c.unknown), got)
		}
	}
}
