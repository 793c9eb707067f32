package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"nightjar/cmd/etl/internal/config"
	"nightjar/extract/sandbox"
)

const sixthPipelines = `version: 1
timezone: Europe/Paris
warehouse: ./warehouse
sources:
  sixth: { endpoint: "${SIXTH_ENDPOINT}", token: "${SIXTH_TOKEN}", rate: "${SIXTH_RATE}" }
pipelines:
  - { name: tickets, source: sixth, stream: tickets, schedule: "15 2 * * *" }
`

// The program exports the vendor's tickets, right to the row: on a first night, on one
// when nothing is new, on one when something is, and out of the landing zone alone.
func TestSixth(t *testing.T) {
	var at atomic.Pointer[time.Time]
	move := func(to time.Time) { at.Store(&to) }
	now := time.Now().UTC().Truncate(time.Second)
	move(now)
	box, env := simulate(t, sandbox.Options{Seed: 3, Scale: 0.2, Clock: func() time.Time { return *at.Load() }}, nil)
	p := newProgram(t)
	p.configure(sixthPipelines)
	p.env = env
	p.must(exitOK, "check", "--online")

	p.must(exitOK, "run")
	first := p.tickets(box)
	if len(first) < 100 {
		t.Fatalf("%d tickets are too few to prove anything", len(first))
	}
	p.must(exitOK, "run")
	if again := p.tickets(box); !slices.Equal(again, first) {
		t.Error("a second run changes the tickets")
	}
	move(now.AddDate(0, 0, 7))
	p.must(exitOK, "run")
	last := p.tickets(box)
	if len(last) <= len(first) || !slices.Equal(last[:len(first)], first) {
		t.Errorf("%d tickets after %d, a week later", len(last), len(first))
	}
	p.must(exitOK, "replay")
	if again := p.tickets(box); !slices.Equal(again, last) {
		t.Error("a replay changes the tickets")
	}
	p.verified()
}

// tickets are the rows of the warehouse, whole, after they were compared with what the
// vendor holds.
func (p *program) tickets(box *sandbox.Sandbox) []string {
	p.t.Helper()
	t := p.t.(*testing.T)
	truth, err := box.Truth("sixth/tickets")
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(truth.Rows)
	if err != nil {
		t.Fatal(err)
	}
	var held []struct {
		ID       int64
		OpenedAt time.Time
		Subject  string
	}
	if err := json.Unmarshal(body, &held); err != nil {
		t.Fatal(err)
	}
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, h := range held {
		want = append(want, fmt.Sprintf("%d %d %s %s", h.ID, h.OpenedAt.UnixMicro(), h.OpenedAt.In(paris).Format(time.DateOnly), h.Subject))
	}
	db := openDatabase(t, p.path("analytics.duckdb"))
	defer db.Close()
	have := query(t, db, `SELECT concat_ws(' ', id, epoch_us(opened_at), opened_date, subject) FROM sixth.tickets ORDER BY id`)
	if !slices.Equal(have, want) {
		t.Fatalf("sixth.tickets has %d rows, the vendor %d, or they differ:\n%.500q\n%.500q", len(have), len(want), have, want)
	}
	if rejects := query(t, db, "SELECT reason FROM etl.rejects"); len(rejects) > 0 {
		t.Errorf("rejects: %q", rejects)
	}
	return query(t, db, "SELECT t::VARCHAR FROM sixth.tickets t ORDER BY id")
}

// What is generated of the keys knows the vendor.
func TestSixthIsDescribed(t *testing.T) {
	if schema := string(config.Schema()); !strings.Contains(schema, `"$ref": "#/$defs/sixth"`) || !strings.Contains(schema, `"tickets"`) {
		t.Error("the JSON Schema does not know the source and its stream")
	}
}
