package iadvize_test

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"nightjar/extract"
)

// Windows walked at the same time
// discover once, sign in once, and together hold everything.
func TestWindowsSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVendor(t)
		v.fill(day("2026-06-01"), now.Add(-time.Second), 47*time.Minute)
		s := v.stream(start("2026-06-01"))
		windows, err := s.Plan(t.Context(), extract.Ask{Now: now})
		if err != nil {
			t.Fatal(err)
		}
		got := landed{ids: map[string]int{}, transactions: map[string]int{}}
		tasks := func(yield func(extract.Task) bool) {
			for _, w := range windows {
				if !yield(func(ctx context.Context) iter.Seq2[extract.Page, error] { return s.Walk(ctx, w) }) {
					return
				}
			}
		}
		for page, err := range extract.InOrder(t.Context(), 3, tasks) {
			if err != nil {
				t.Fatal(err)
			}
			got.take(t, page)
		}
		got.whole(t, v, now)
		if v.logins != 1 {
			t.Errorf("%d sign-ins", v.logins)
		}
	})
}

// The token dies now and then, the vendor stumbles now and then; nothing is lost.
func TestRoughNight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVendor(t)
		v.fill(day("2026-11-01"), now.Add(-time.Second), 13*time.Minute)
		n := 0
		v.fault = func(w http.ResponseWriter, _ asked) bool {
			switch n++; n % 13 {
			case 1:
				w.WriteHeader(http.StatusUnauthorized)
			case 3:
				w.Header().Set("Retry-After", "2")
				w.WriteHeader(http.StatusTooManyRequests)
			case 5:
				_, _ = w.Write([]byte(`{"data":{"closedConversations":{"edges":[`))
			case 6:
				_ = json.NewEncoder(w).Encode(map[string]any{
					"data":   map[string]any{"closedConversations": map[string]any{"edges": []any{}, "pageInfo": map[string]any{"hasNextPage": false}}},
					"errors": []any{map[string]any{"message": "a shard is missing"}},
				})
			default:
				return false
			}
			return true
		}
		got := run(t, v.stream(), extract.Ask{Now: now})
		got.whole(t, v, now)
	})
}
