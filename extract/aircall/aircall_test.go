package aircall_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"nightjar/extract"
	"nightjar/extract/aircall"
)

func TestPage(t *testing.T) {
	f := newFake(t, 12)
	f.answer = func(n int, body string) string {
		if n == 1 {
			return strings.Replace(body, `[{`, `[null,{`, 1)
		}
		return body
	}
	pages, err := walk(t, config(f), extract.Ask{})
	if err != nil {
		t.Fatal(err)
	}
	first, last := pages[0], pages[len(pages)-1]
	if first.Rows != 11 || first.Total != 12 {
		t.Errorf("rows %d of %d, want 11 (the null one counts) of 12", first.Rows, first.Total)
	}
	if r := first.Request; r.Operation != "Calls" || r.Status != 200 || r.At.IsZero() || r.Variables["offset"] != int64(0) {
		t.Errorf("request = %+v", r)
	}
	if got, want := string(last.After), `{"swept_at":"2026-11-20T01:30:00Z","calls":12}`; got != want {
		t.Errorf("bookmark = %s, want %s", got, want)
	}
}

func TestPlan(t *testing.T) {
	calls := aircall.New(aircall.Config{Endpoint: "http://127.0.0.1:1"})
	windows, err := calls.Plan(t.Context(), extract.Ask{Bookmark: extract.Bookmark(`{"swept_at":"2026-11-19T01:30:00Z","calls":25001}`), Now: now})
	if err != nil || windows[0].Calls != 251 {
		t.Errorf("plan = %+v, %v; want 251 requests", windows, err)
	}
	for _, bad := range []string{`{`, `[]`, `{"calls":-1}`, `{"swept_at":"yesterday"}`} {
		if _, err := calls.Plan(t.Context(), extract.Ask{Bookmark: extract.Bookmark(bad)}); err == nil {
			t.Errorf("bookmark %s is taken", bad)
		}
	}
}

func TestBackfillLeavesTheBookmark(t *testing.T) {
	f := newFake(t, 25)
	pages, err := walk(t, config(f), extract.Ask{From: now.AddDate(0, -1, 0), To: now})
	if err != nil || len(ids(t, pages)) != 25 {
		t.Fatalf("%d calls, %v", len(ids(t, pages)), err)
	}
	if after := pages[len(pages)-1].After; after != nil {
		t.Errorf("bookmark = %s, want none", after)
	}
}

func TestBreakEndsTheWalk(t *testing.T) {
	f := newFake(t, 500)
	calls := aircall.New(config(f))
	windows, _ := calls.Plan(t.Context(), extract.Ask{Now: now})
	for page, err := range calls.Walk(t.Context(), windows[0]) {
		if err != nil || page.After != nil {
			t.Fatalf("page = %+v, %v", page, err)
		}
		break
	}
	if n := f.asked(); n > 12 {
		t.Errorf("%d requests for one page", n)
	}
}

func TestCancelEndsTheWalk(t *testing.T) {
	f := newFake(t, 500)
	calls := aircall.New(config(f))
	windows, _ := calls.Plan(t.Context(), extract.Ask{Now: now})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var end error
	for _, err := range calls.Walk(ctx, windows[0]) {
		cancel()
		end = err
	}
	if !errors.Is(end, context.Canceled) {
		t.Errorf("err = %v, want canceled", end)
	}
}

// The schema of the contract, cut down to what introspection shows of it.
func TestCheck(t *testing.T) {
	tests := []struct {
		name   string
		change func(string) string
		want   []extract.Finding
	}{
		{"as documented", func(s string) string { return s }, nil},
		{"a field gone", func(s string) string { return strings.Replace(s, `"name":"via"`, `"name":"line"`, 1) }, []extract.Finding{
			{Path: "Call.via", What: "is gone; it is not asked for"},
			{Path: "Call.line", What: "is new; it is not asked for"},
		}},
		{"a type changed", func(s string) string {
			return strings.Replace(s, `"name":"duration","type":{"kind":"NON_NULL","ofType":{"kind":"SCALAR","name":"Float"}}`, `"name":"duration","type":{"kind":"SCALAR","name":"Int"}`, 1)
		}, []extract.Finding{{Path: "Call.duration", What: "is Int, documented as Float!"}}},
		{"an argument gone", func(s string) string { return strings.Replace(s, `"name":"offset"`, `"name":"skip"`, 1) }, []extract.Finding{
			{Breaking: true, Path: "Query.paginatedCalls(offset)", What: "is gone, and nothing can be asked without it"},
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(t, 0)
			f.answer = func(int, string) string { return test.change(introspected) }
			got, err := aircall.New(config(f)).Check(t.Context())
			if err != nil || !slices.Equal(got, test.want) {
				t.Errorf("findings = %+v, %v; want %+v", got, err, test.want)
			}
		})
	}
}
