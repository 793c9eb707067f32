package iadvize_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"nightjar/extract"
	"nightjar/extract/iadvize"
	"nightjar/extract/sandbox"
	"nightjar/extract/transport"
)

func TestTmpSandbox(t *testing.T) {
	for _, f := range []string{"", "wide", "no-paging", "repeat-cursor", "partial", "exclusive", "late", "dirty", "expire", "login-limit", "no-introspection", "no-introspection,no-paging", "no-introspection,wide,partial"} {
		var faults []string
		if f != "" {
			faults = strings.Split(f, ",")
		}
		n := time.Now().UTC()
		sb, err := sandbox.New(sandbox.Options{Seed: 1, Faults: faults, End: n})
		if err != nil {
			t.Fatal(err)
		}
		srv := httptest.NewServer(sb.Handler())
		env := sb.Env(srv.URL)
		rec := httptest.NewRecorder()
		req := httptest.NewRequest("GET", "/truth/iadvize/closed_conversations", nil)
		sb.Handler().ServeHTTP(rec, req)
		var truth []map[string]any
		_ = json.Unmarshal(rec.Body.Bytes(), &truth)
		if f == "" {
			fmt.Printf("%.300s\n", rec.Body.String())
		}
		s := iadvize.New(iadvize.Config{Endpoint: env["IADVIZE_ENDPOINT"], TokenURL: env["IADVIZE_TOKEN_URL"], Username: env["IADVIZE_USERNAME"], Password: env["IADVIZE_PASSWORD"],
			Transport: transport.Config{Vendor: "iadvize", Concurrency: 4, Retries: 5, Budget: 1000}, Location: paris, Start: n.AddDate(0, 0, -95), Lookback: 72 * time.Hour})
		var tally extract.Tally
		st := time.Now()
		windows, _ := s.Plan(t.Context(), extract.Ask{Now: n})
		got := landed{ids: map[string]int{}, transactions: map[string]int{}}
		for _, w := range windows {
			for p, err := range s.Walk(extract.WithTally(t.Context(), &tally), w) {
				if err != nil {
					got.err = err
					fmt.Println("   ", w.ID, err)
					break
				}
				got.rows += p.Rows
				got.pages++
				if !strings.Contains(f, "dirty") && !strings.Contains(f, "no-paging") {
					got.take(t, p)
				}
			}
		}
		fmt.Printf("%-30s windows %d rows %d ids %d tx %d truth %d requests %d retries %d signins %d err %v in %s\n", f, len(windows), got.rows, len(got.ids), len(got.transactions), len(truth), tally.Requests.Load(), tally.Retries.Load(), tally.SignIns.Load(), got.err, time.Since(st).Round(time.Millisecond))
		srv.Close()
	}
}
