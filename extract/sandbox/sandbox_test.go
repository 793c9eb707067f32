package sandbox_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"nightjar/extract/sandbox"
)

func truths(t *testing.T, opt sandbox.Options) []byte {
	t.Helper()
	if opt.Clock == nil {
		opt.Clock = func() time.Time { return evening }
	}
	s, err := sandbox.New(opt)
	if err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	for _, name := range s.TruthNames() {
		truth, err := s.Truth(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.NewEncoder(&all).Encode(truth); err != nil {
			t.Fatal(err)
		}
	}
	return all.Bytes()
}

func TestSameSeedSameBytes(t *testing.T) {
	first := truths(t, sandbox.Options{Seed: 7})
	if !bytes.Equal(first, truths(t, sandbox.Options{Seed: 7})) {
		t.Error("the same seed gives other data")
	}
	if bytes.Equal(first, truths(t, sandbox.Options{Seed: 8})) {
		t.Error("another seed gives the same data")
	}
}

func TestALongerHistoryKeepsTheRecords(t *testing.T) {
	ids := func(start time.Time) map[any]any {
		s, err := sandbox.New(sandbox.Options{Start: start, Clock: func() time.Time { return evening }})
		if err != nil {
			t.Fatal(err)
		}
		truth, _ := s.Truth("iadvize/conversations")
		body, _ := json.Marshal(truth.Rows)
		var rows []any
		if err := json.Unmarshal(body, &rows); err != nil {
			t.Fatal(err)
		}
		return byID(t, rows)
	}
	long, short := ids(evening.AddDate(0, 0, -60)), ids(evening.AddDate(0, 0, -20))
	for id := range short {
		if long[id] == nil {
			t.Fatalf("conversation %v is gone", id)
		}
	}
	if len(long) < 2*len(short) {
		t.Errorf("60 days hold %d conversations, 20 days %d", len(long), len(short))
	}
}

func TestDataIsShapedLikeLife(t *testing.T) {
	v := serve(t, sandbox.Options{})
	t.Run("conversations", func(t *testing.T) { conversationsAreLikeLife(t, v) })
	t.Run("calls and contacts", func(t *testing.T) { callsAreLikeLife(t, v) })
}

func conversationsAreLikeLife(t *testing.T, v *vendors) {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	conversations := v.truth("iadvize/conversations")
	var weekend, night, asked, answered, foreign, sold int
	for _, c := range conversations {
		created, err := time.Parse(time.RFC3339, text(at(c, "createdAt")))
		if err != nil {
			t.Fatal(err)
		}
		local := created.In(paris)
		if local.Weekday() == time.Saturday || local.Weekday() == time.Sunday {
			weekend++
		}
		if local.Hour() < 7 || local.Hour() >= 21 {
			night++
		}
		if at(c, "channel") == "CHAT" {
			asked++
			if at(c, "satisfactionSurvey", "customerSatisfaction") != nil {
				answered++
			}
		} else if at(c, "satisfactionSurvey", "netPromoterScore") != nil {
			t.Errorf("NPS on %v", at(c, "channel"))
		}
		for _, s := range list(at(c, "conversions", "transactions")) {
			if sold++; at(s, "currency") != "EUR" {
				foreign++
			}
		}
	}
	share := func(name string, part, whole int, low, high float64) {
		t.Helper()
		if s := float64(part) / float64(whole); s < low || s > high {
			t.Errorf("%s: %.3f, want %.2f to %.2f (%d of %d)", name, s, low, high, part, whole)
		}
	}
	share("weekend", weekend, len(conversations), 0.08, 0.2)
	share("night", night, len(conversations), 0.005, 0.08)
	share("answers on chat", answered, asked, 0.28, 0.40)
	share("other currencies", foreign, sold, 0.1, 0.35)
	if len(conversations) < 4000 || len(conversations) > 6000 {
		t.Errorf("%d conversations", len(conversations))
	}
}

func callsAreLikeLife(t *testing.T, v *vendors) {
	kinds := map[string]int{}
	known := map[string]bool{}
	for _, c := range v.truth("aircall/calls") {
		kinds[text(at(c, "direction"))+" "+text(at(c, "call_type"))]++
		known[text(at(c, "from"))], known[text(at(c, "to"))] = true, true
		if at(c, "duration") == 0.0 {
			t.Errorf("a call without a duration: %v", c)
		}
	}
	for _, kind := range []string{"inbound answered", "inbound missed", "inbound voicemail", "outbound answered", "outbound missed"} {
		if kinds[kind] < 20 {
			t.Errorf("%d calls are %s", kinds[kind], kind)
		}
	}
	both := map[string]bool{}
	for _, m := range v.truth("volt/messages") {
		if phone := text(at(m, "contact", "phoneNumber")); known[phone] {
			both[phone] = true
		}
	}
	if len(both) < 50 {
		t.Errorf("%d contacts are at two vendors", len(both))
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for want, opt := range map[string]sandbox.Options{
		"scale":         {Scale: -1},
		`fault "fire"`:  {Faults: []string{"429", "fire"}},
		"iadvize shape": {IAdvizeShape: "round"},
		"after end":     {Start: evening, End: evening.AddDate(0, 0, -1)},
	} {
		_, err := sandbox.New(opt)
		if err == nil {
			t.Errorf("%s: no error", want)
			continue
		}
		contains(t, err.Error(), want)
	}
}

func TestTruthOfNothing(t *testing.T) {
	v := serve(t, sandbox.Options{Scale: 0.01})
	if r := v.request(http.MethodGet, v.url+"/truth/volt/contacts", "", "", nil); r.status != http.StatusNotFound {
		t.Errorf("status %d", r.status)
	}
}
