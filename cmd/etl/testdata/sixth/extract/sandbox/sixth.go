package sandbox

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"
)

const (
	sixthToken = "sixth-sandbox-key-2b90d7"
	sixthPage  = 50 // the most rows of a page
)

// sixth is a simulated vendor of tickets. They are listed in the order in which they
// were opened, and never change.
type sixth struct {
	*world
	tickets []sixthTicket // by id
}

type sixthTicket struct {
	ID       int64     `json:"id"`
	OpenedAt time.Time `json:"openedAt"`
	Subject  string    `json:"subject"`
}

func newSixth(w *world) (vendor, error) {
	v := &sixth{world: w}
	for day := range w.days() {
		for i := range w.volume(day, "sixth", 12) {
			d := w.roll("sixth", day.Format(time.DateOnly), i)
			v.tickets = append(v.tickets, sixthTicket{OpenedAt: w.moment(d, day), Subject: pick(d, sadComments)})
		}
	}
	slices.SortStableFunc(v.tickets, func(a, b sixthTicket) int { return a.OpenedAt.Compare(b.OpenedAt) })
	for i := range v.tickets {
		v.tickets[i].ID = int64(i) + 1
	}
	return vendor{
		routes: map[string]http.Handler{"/tickets": http.HandlerFunc(v.list)},
		env:    map[string]string{"ENDPOINT": "/tickets", "TOKEN": sixthToken},
		truths: []told{{"sixth/tickets", v.truth}},
	}, nil
}

// list serves the page that begins at an offset.
func (v *sixth) list(w http.ResponseWriter, r *http.Request) {
	if bearer(r) != sixthToken {
		writeJSON(w, http.StatusUnauthorized, []byte(`{"error":"the key is wrong"}`))
		return
	}
	rows := v.opened(v.now())
	offset, err := strconv.Atoi(r.URL.Query().Get("offset"))
	if err != nil || offset < 0 {
		writeJSON(w, http.StatusBadRequest, []byte(`{"error":"offset is no number"}`))
		return
	}
	low := min(offset, len(rows))
	body, err := json.Marshal(map[string]any{"total": len(rows), "tickets": rows[low:min(low+sixthPage, len(rows))]})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	writeJSON(w, http.StatusOK, body)
}

// opened are the tickets that there are at now.
func (v *sixth) opened(now time.Time) []sixthTicket {
	n, _ := slices.BinarySearchFunc(v.tickets, now, func(t sixthTicket, now time.Time) int {
		if reached(t.OpenedAt, now) {
			return -1
		}
		return 1
	})
	return v.tickets[:n]
}

func (v *sixth) truth(now time.Time) []any {
	var rows []any
	for _, t := range v.opened(now) {
		rows = append(rows, t)
	}
	return rows
}
