package pipeline_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/extract/sandbox"
)

// Waves that lie far beyond the gap are found on the first run, since messages
// name them; so are those that have no message yet, next to known ones.
func TestFarWavesAreFoundByTheirMessages(t *testing.T) {
	t.Parallel()
	play(t, scene{Options: sandbox.Options{Seed: 3, Scale: 0.1, Waves: 16, WaveSize: 10, Faults: []string{"far-waves"}}, days: 20}, func(h *theatre) {
		h.expect("the first night", equal, []string{"messages", "waves"})
		far := h.query("SELECT count(*) FROM volt.waves WHERE wave_id > 100000")
		if far[0][0] == "0" {
			t.Error("no wave beyond the gap: this proves nothing")
		}
		without := h.query("SELECT count(*) FROM volt.waves WHERE wave_id NOT IN (SELECT wave_id FROM volt.messages WHERE wave_id IS NOT NULL)")
		t.Logf("%s waves beyond the gap, %s waves without a message, %d requests", far[0][0], without[0][0], h.asked.count("volt"))
		for range 3 {
			h.nightLater()
			h.expect("a later night", equal, []string{"messages", "waves"})
		}
	})
}

// Without messages the far waves cannot be known: the walk says that it cannot
// prove that there are no more, and a run with messages finds them.
func TestFarWavesWithoutMessagesAreUnverifiable(t *testing.T) {
	t.Parallel()
	play(t, scene{Options: sandbox.Options{Seed: 3, Scale: 0.1, Waves: 16, WaveSize: 10, Faults: []string{"far-waves"}}, days: 20}, func(h *theatre) {
		alone := legOf(t, h.run(pipeline.Request{Pipelines: []string{"waves"}}), "waves")
		for _, w := range alone.Windows {
			if w.Status == summary.Complete {
				t.Errorf("window %s claims to be complete", w.ID)
			}
		}
		h.expect("the night with messages", equal, []string{"messages", "waves"})
	})
}

// The contacts may come of a query over the live warehouse.
func TestContactsOfAQuery(t *testing.T) {
	query := `contacts_query: "SELECT DISTINCT contact_id FROM volt.messages ORDER BY 1 LIMIT 3"`
	play(t, sessions(query), func(h *theatre) {
		h.run(pipeline.Request{Pipelines: []string{"messages"}})
		h.later(time.Minute)
		h.run(pipeline.Request{Pipelines: []string{"clientloop"}})
		want := h.query("SELECT DISTINCT contact_id FROM volt.messages ORDER BY 1 LIMIT 3")
		got := h.query("SELECT contact_id FROM clientloop.idv_sessions ORDER BY 1")
		if len(want) != 3 || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("sessions for %v, want %v", got, want)
		}
	})
}

// A query for contacts is one SELECT over the warehouse. It writes no file, reads none,
// and ends nothing that it did not begin.
func TestContactsOfAHostileQuery(t *testing.T) {
	written := filepath.Join(t.TempDir(), "written.csv")
	for _, c := range []struct{ query, want string }{
		{"SELECT 'c1') TO '" + written + "'; COPY (SELECT 'c2'", "contacts_query"},
		{"SELECT 'c1'; SELECT 'c2'", "2 statements"},
		{"COPY (SELECT 'c1') TO '" + written + "'", "SELECT"},
		{"SELECT content FROM read_text('/etc/hostname')", "/etc/hostname"},
		{"SELECT 'c1') UNION ALL (SELECT 'c2'", "syntax error"},
	} {
		play(t, sessions("contacts_query: "+strconv.Quote(c.query)), func(h *theatre) {
			h.run(pipeline.Request{Pipelines: []string{"messages"}})
			h.later(time.Minute)
			run := h.run(pipeline.Request{Pipelines: []string{"clientloop"}})
			if l := run.Pipelines[0]; l.Status != summary.Failed || l.Pages != 0 || !strings.Contains(l.Reason, c.want) {
				t.Errorf("%s: %s after %d requests: %s", c.query, l.Status, l.Pages, l.Reason)
			}
		})
		if _, err := os.Stat(written); err == nil {
			t.Fatalf("%s has written a file", c.query)
		}
	}
}

// tokenless fails the test where a credential is in a row of any table or in the
// body of any landed page.
func (h *theatre) tokenless() {
	h.t.Helper()
	secrets := h.box.Secrets()
	var dump strings.Builder
	pages := 0
	for _, row := range h.query("SELECT s::VARCHAR FROM clientloop.idv_sessions AS s UNION ALL SELECT r::VARCHAR FROM etl.rejects AS r") {
		dump.WriteString(row[0])
	}
	err := filepath.WalkDir(h.runner.Config.Warehouse, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if strings.HasSuffix(path, ".tar") {
			for _, page := range unpack(h.t, body) {
				dump.Write(page)
				pages++
			}
		}
		dump.Write(body)
		return nil
	})
	if err != nil || pages == 0 {
		h.t.Fatalf("%d pages were looked at: %v", pages, err)
	}
	for _, secret := range secrets {
		if strings.Contains(dump.String(), secret) {
			h.t.Errorf("a credential that begins with %.6s is in the warehouse", secret)
		}
	}
}
