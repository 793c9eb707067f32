package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// nightlyVendor serves closed conversations as iAdvize, so many on each day: those of
// the days asked for, whatever the hour. Pages are ready-made files without their end,
// which says whether another follows.
type nightlyVendor struct {
	dir  string
	rows map[string]int // by day, as time.DateOnly
}

// add makes the pages of a day. The same day makes the same bytes.
func (v *nightlyVendor) add(day time.Time, rows int) error {
	g := pageMaker{rand: rand.New(rand.NewPCG(uint64(day.Unix()), 2)), at: day, step: 24 * time.Hour / time.Duration(rows+1)}
	for page := 0; page*benchPageRows < rows; page++ {
		body := []byte(`{"data":{"closedConversations":{"edges":[`)
		for i := range min(benchPageRows, rows-page*benchPageRows) {
			if i > 0 {
				body = append(body, ',')
			}
			body = g.edge(body, page*benchPageRows+i)
		}
		if err := os.WriteFile(v.page(day, page), body, 0o644); err != nil {
			return err
		}
	}
	v.rows[day.Format(time.DateOnly)] = rows
	return nil
}

func (v *nightlyVendor) page(day time.Time, page int) string {
	return filepath.Join(v.dir, fmt.Sprintf("%s-%05d.json", day.Format(time.DateOnly), page))
}

// next is the first page at or after one of the day given that has rows, and lies
// before an instant; false where there is none.
func (v *nightlyVendor) next(day time.Time, page int, before time.Time) (time.Time, int, bool) {
	for ; day.Before(before); day, page = day.AddDate(0, 0, 1), 0 {
		if page*benchPageRows < v.rows[day.Format(time.DateOnly)] {
			return day, page, true
		}
	}
	return day, page, false
}

func (v *nightlyVendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Path == "/oauth2/token" {
		io.WriteString(w, `{"access_token":"benchmark","expires_in":86400}`)
		return
	}
	var asked struct {
		Query     string
		Variables struct {
			Interval struct{ From, To time.Time }
			After    string
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if strings.Contains(asked.Query, "__schema") {
		io.WriteString(w, `{"errors":[{"message":"GraphQL introspection is not allowed"}]}`)
		return
	}
	// The walk asks for a second more on either side.
	day, to, page := asked.Variables.Interval.From.Add(time.Hour).Truncate(24*time.Hour), asked.Variables.Interval.To.Add(-time.Hour), 0
	if after := asked.Variables.After; after != "" {
		var text string
		if _, err := fmt.Sscanf(after, "%10s-%d", &text, &page); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		day, _ = time.Parse(time.DateOnly, text)
	}
	day, page, found := v.next(day, page, to)
	if !found {
		io.WriteString(w, `{"data":{"closedConversations":{"edges":[],"pageInfo":{"endCursor":null,"hasNextPage":false}}}}`)
		return
	}
	body, err := os.ReadFile(v.page(day, page))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	nextDay, nextPage, more := v.next(day, page+1, to)
	w.Write(body)
	fmt.Fprintf(w, `],"pageInfo":{"endCursor":"%s-%d","hasNextPage":%t}}}}`, nextDay.Format(time.DateOnly), nextPage, more)
}
