package pipeline_test

import (
	"testing"
	"time"

	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/extract/sandbox"
)

// BenchmarkRequests counts what a year's backfill and a night with nothing new
// ask of each source, sign-ins aside, against the fewest requests that the API
// allows for the same rows: full pages, one after the other, and nothing else.
func BenchmarkRequests(b *testing.B) {
	for _, source := range sources {
		for _, night := range []bool{false, true} {
			name := source + "/year"
			if night {
				name = source + "/night"
			}
			b.Run(name, func(b *testing.B) {
				var spent, fewest int
				for b.Loop() {
					h := raise(b, scene{Options: sandbox.Options{Seed: 1, Scale: 0.2, Waves: 40, WaveSize: 20}, days: 365}, b.TempDir())
					request := pipeline.Request{Pipelines: pipelinesOf(source)}
					h.complete(request)
					if night {
						h.asked.reset()
						h.clock.us.Add(time.Second.Microseconds())
						h.complete(request)
					}
					spent, fewest = h.asked.count(source), h.fewest(source, night)
				}
				b.ReportMetric(float64(spent), "requests")
				b.ReportMetric(float64(fewest), "fewest")
				if fewest > 0 {
					b.ReportMetric(float64(spent)/float64(fewest), "ratio")
				}
			})
		}
	}
}

// complete runs and expects that all is published.
func (h *theatre) complete(request pipeline.Request) {
	h.t.Helper()
	if r := h.run(request); r.Status != summary.Complete {
		h.t.Fatalf("the run is %s: %s", r.Status, r.Pipelines[0].Reason)
	}
}

// fewest is the number of requests below which no exporter gets, by the largest
// pages that the vendors give.
func (h *theatre) fewest(source string, night bool) int {
	pages := func(rows, size int) int { return max(1, (rows+size-1)/size) }
	switch source {
	case "iadvize":
		n := 0
		for _, c := range h.records("iadvize/conversations") {
			closed, _ := timeOf(c["closedAt"])
			if say(member(c, "project", "id")) == "9999" && (!night || h.clock.now().Sub(closed) < 96*time.Hour) {
				n++
			}
		}
		return pages(n, 100)
	case "aircall": // no filter, no order: every call, every night
		return pages(len(h.records("aircall/calls")), 1000)
	case "desk": // one list by change, one by deletion
		if night {
			return 2
		}
		return pages(len(h.records("desk/conversations")), 100) + 1
	case "volt":
		return h.fewestOfVolt(night)
	default:
		if night {
			return 0
		}
		return len(h.runner.Config.Pipelines[5].Contacts)
	}
}

// fewestOfVolt is an inbox for each of two accounts, and on the first night each
// conversation once; and the waves, fifty a request, the unsettled ones at night.
func (h *theatre) fewestOfVolt(night bool) int {
	contacts := map[string]bool{}
	for _, m := range h.records("volt/messages") {
		sent, _ := timeOf(m["sentAt"])
		if !night || h.clock.now().Sub(sent) < 7*24*time.Hour { // may have changed without a sign of it in the inbox
			contacts[say(member(m, "contact", "id"))] = true
		}
	}
	waves := 0
	for _, w := range h.records("volt/waves") {
		scheduled, _ := timeOf(w["scheduledTime"])
		if !night || h.clock.now().Sub(scheduled) < 7*24*time.Hour {
			waves++
		}
	}
	return 2 + len(contacts) + max(1, (waves+49)/50)
}
