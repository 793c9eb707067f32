package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"nightjar/extract/sandbox"
)

// The page that a row names holds the row, byte for byte as its hash says, with the
// network off.
func TestTraceThePageOfARow(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	_, p.env = simulate(t, sandbox.Options{Scale: 0.1}, nil)
	p.must(exitOK, "run", "-q")
	p.env = nil // no vendor, and no secret
	db := openDatabase(t, p.path("analytics.duckdb"))
	for table, key := range map[string]string{
		"iadvize.conversations": "conversation_id", "aircall.calls": "call_id", "aircall.call_notes": "note_id",
		"volt.waves": "wave_id", "volt.messages": "message_id",
	} {
		rows := query(t, db, "SELECT any_value("+key+")::VARCHAR || ' ' || _page FROM "+table+" GROUP BY _page ORDER BY _page")
		if len(rows) == 0 {
			t.Errorf("%s has no row: this proves nothing", table)
		}
		for _, row := range rows[:min(len(rows), 3)] {
			id, page, _ := strings.Cut(row, " ")
			plain := p.must(exitOK, "trace", "--page", page)
			if !strings.Contains(plain.stdout, id) || plain.stderr != "" {
				t.Errorf("%s %s is not on page %s; stderr: %s", table, id, page, plain.stderr)
			}
			var told struct {
				Page, Window, SHA256 string
				Request              struct{ Query string }
				Rows, Bytes          int
				Body                 json.RawMessage
			}
			if err := json.Unmarshal([]byte(p.must(exitOK, "trace", "--json", "--page", page).stdout), &told); err != nil {
				t.Fatal(err)
			}
			sum := sha256.Sum256([]byte(plain.stdout))
			if told.Page != page || told.SHA256 != hex.EncodeToString(sum[:]) || told.Bytes != len(plain.stdout) ||
				told.Rows < 1 || told.Window == "" || told.Request.Query == "" || len(told.Body) == 0 {
				t.Errorf("of page %s with %d bytes it tells %+v", page, len(plain.stdout), told)
			}
		}
	}
}
