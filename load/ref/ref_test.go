package ref_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"nightjar/load/ref"
)

const id ref.RunID = "20261120T021500.000Z"

var calls = ref.Stream{Source: "aircall", Name: "calls"}

func TestNamesPrintAndParse(t *testing.T) {
	for text, want := range map[string]ref.Page{
		"aircall/calls/20261120T021500.000Z/000012":        calls.Run(id).Page(12),
		"aircall/calls/20261120T021500.000Z/1234567":       calls.Run(id).Page(1234567),
		"aircall/calls/20261120T021500.000Z/journal.jsonl": calls.Run(id).Journal(),
	} {
		if got, err := ref.ParsePage(text); got != want || err != nil || want.String() != text {
			t.Errorf("%s is read as %v and printed as %s: %v", text, got, want, err)
		}
	}
	keyed, err := json.Marshal(map[ref.Stream]int{calls: 1})
	if err != nil || string(keyed) != `{"aircall/calls":1}` {
		t.Errorf("as a key of JSON: %s, %v", keyed, err)
	}
	back := map[ref.Stream]int{}
	if err := json.Unmarshal(keyed, &back); err != nil || back[calls] != 1 {
		t.Errorf("read back: %v, %v", back, err)
	}
	if err := json.Unmarshal([]byte(`{"../calls":1}`), &back); err == nil {
		t.Error("a key that must not become a path was read")
	}
}

func TestWhatIsNoNameIsRefused(t *testing.T) {
	run := "aircall/calls/" + string(id)
	for _, text := range []string{
		"", "a/b", "../../../etc/passwd", run, run + "/../000001", run + "/1", run + "/0000001", run + "/000000", run + "/99999999999999999999",
		"aircall//" + string(id) + "/000001", "../calls/" + string(id) + "/000001", "aircall/calls/2026-11-20T02:15:00Z/000001",
		"aircall/calls/20261320T021500.000Z/000001", "Aircall/calls/" + string(id) + "/000001",
	} {
		if got, err := ref.ParsePage(text); err == nil || !strings.Contains(err.Error(), "reference") {
			t.Errorf("%q is read as %v: %v", text, got, err)
		}
	}
	for _, text := range []string{"", "aircall", "aircall/", "/calls", "aircall/calls/x"} {
		if got, err := ref.ParseStream(text); err == nil {
			t.Errorf("%q is read as the stream %v", text, got)
		}
	}
}

func TestRunIDsAreInOrderOfTime(t *testing.T) {
	at := time.Date(2026, 11, 20, 23, 59, 59, 999900000, time.FixedZone("", 3600))
	first := ref.RunIDAt(at)
	if first != "20261120T225959.999Z" || first.Next() != "20261120T230000.000Z" || first.Next() <= first {
		t.Error(first, first.Next())
	}
	if !first.Started().Equal(at.Truncate(time.Millisecond)) || !ref.RunID("by hand").Started().IsZero() {
		t.Error(first.Started())
	}
}

func TestCutPage(t *testing.T) {
	for text, want := range map[string]int{"a/b/c/000012": 12, "a/b/c/1000000": 1000000, "a/b/c/": 0, "a/b/c/x": 0, "a/b/c/-1": 0, "7": 0, "": 0} {
		run, seq := ref.CutPage(text)
		if seq != want || want > 0 && run != "a/b/c" {
			t.Errorf("%q: %q, %d", text, run, seq)
		}
	}
}
