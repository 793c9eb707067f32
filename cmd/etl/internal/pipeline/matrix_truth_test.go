package pipeline_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"nightjar/cmd/etl/internal/summary"
	"nightjar/load/database"
)

// none is how a comparison writes a null.
const none = "∅"

// comparison is one table against what the vendor holds. Both sides are written
// as text, column by column, null where a value is none by the contract.
type comparison struct {
	table string
	truth string
	sql   string                                             // the row's identity and then its columns, as text
	rows  func(record map[string]any, noIDs bool) [][]string // of one record of the truth
}

// comparisons are the tables that a pipeline fills.
var comparisons = map[string][]comparison{
	"iadvize": {
		{"iadvize.conversations", "iadvize/conversations",
			`conversation_id, project_id, channel, language, epoch_us(created_at), epoch_us(closed_at), closed_date, round(duration_seconds * 1000)::BIGINT,
			 to_json(tags), csat_score, nps_score, survey_comment`, conversationRow},
		{"iadvize.transactions", "iadvize/conversations",
			`conversation_id || ' ' || external_conversion_id, transaction_id, amount, currency, epoch_us(received_at), closed_date`, transactionRows},
	},
	"aircall": {
		{"aircall.calls", "aircall/calls",
			`call_id, direction, call_type, from_number, to_number, via_number, round(duration_seconds * 1000)::BIGINT, is_archived, note_count, epoch_us(created_at), created_date`, callRow},
		{"aircall.call_notes", "aircall/calls", `note_id, call_id, position, content`, noteRows},
	},
	"waves": {{"volt.waves", "volt/waves",
		`wave_id, name, type, epoch_us(scheduled_at), scheduled_date, account_id, account_name, account_phone, organization_id, sent_by, body,
		 to_json(media), to_json(lists), total_messages, messages_delivered, messages_failed`, waveRow}},
	"messages": {{"volt.messages", "volt/messages",
		`message_id, legacy_id, wave_id, contact_id, account_phone, from_number, to_number, direction, status, status_description, error_code, body,
		 epoch_us(sent_at), sent_date, epoch_us(confirmed_at)`, messageRow}},
	"desk": {{"desk.conversations", "desk/conversations",
		`conversation_id, ticket_id, contact_id, state, epoch_us(created_at), created_date, epoch_us(updated_at), epoch_us(deleted_at), message_count, to_json(user_ids)`, ticketRow}},
}

// records are the records of the truth, as JSON objects.
func (h *theatre) records(name string) []map[string]any {
	h.t.Helper()
	truth, err := h.box.Truth(name)
	if err != nil {
		h.t.Fatal(err)
	}
	body, err := json.Marshal(truth.Rows)
	if err != nil {
		h.t.Fatal(err)
	}
	decoder := json.NewDecoder(strings.NewReader(string(body)))
	decoder.UseNumber()
	var rows []map[string]any
	if err := decoder.Decode(&rows); err != nil {
		h.t.Fatal(err)
	}
	return rows
}

// held is what the vendor holds for a table, by identity.
func (h *theatre) held(c comparison) map[string]string {
	h.t.Helper()
	all := map[string]string{}
	for _, record := range h.records(c.truth) {
		for _, row := range c.rows(record, slices.Contains(h.faults, "no-paging")) {
			if _, twice := all[row[0]]; twice {
				h.t.Fatalf("%s: the truth has %s twice", c.table, row[0])
			}
			all[row[0]] = strings.Join(row[1:], " | ")
		}
	}
	return all
}

// loaded is what the live warehouse holds of a table, by identity.
func (h *theatre) loaded(c comparison) map[string]string {
	h.t.Helper()
	all := map[string]string{}
	for _, row := range h.query("SELECT " + c.sql + " FROM " + c.table) {
		if _, twice := all[row[0]]; twice {
			h.t.Errorf("%s has %s twice", c.table, row[0])
		}
		if c.table == "iadvize.transactions" && slices.Contains(h.faults, "no-paging") {
			row[1] = none // derived
		}
		all[row[0]] = strings.Join(row[1:], " | ")
	}
	return all
}

// query returns the rows of a query over the live database as text; none before
// the first publication.
func (h *theatre) query(query string) [][]string {
	h.t.Helper()
	if h.live() == "" {
		return nil
	}
	ctx := h.t.Context()
	db, err := database.OpenReadOnly(ctx, filepath.Join(h.runner.Config.Warehouse, "current", "analytics.duckdb"), database.Limits{Memory: 160e6})
	if err != nil {
		h.t.Fatal(err)
	}
	defer db.Close()
	found, err := db.Query(ctx, "SELECT COLUMNS(*)::VARCHAR FROM ("+query+")")
	if err != nil {
		h.t.Fatalf("%s: %v", query, err)
	}
	defer found.Close()
	names, err := found.Columns()
	if err != nil {
		h.t.Fatal(err)
	}
	var rows [][]string
	for found.Next() {
		values, into := make([]*string, len(names)), make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		if err := found.Scan(into...); err != nil {
			h.t.Fatal(err)
		}
		row := make([]string, len(values))
		for i, v := range values {
			row[i] = none
			if v != nil {
				row[i] = *v
			}
		}
		rows = append(rows, row)
	}
	if err := found.Err(); err != nil {
		h.t.Fatal(err)
	}
	return rows
}

// differences says where a pipeline's tables are not what the vendor holds; empty
// where they are. A vendor that makes up records while it is asked is held to
// those that it had before, and one that has a field no more to what was loaded
// before.
func (h *theatre) differences(name string, before nightBefore, drift []summary.Drift) string {
	h.t.Helper()
	var all []string
	for _, c := range comparisons[name] {
		want, got := h.held(c), h.loaded(c)
		h.unasked(c, want, before.loaded[c.table], drift)
		if slices.Contains(h.faults, "drift") && name == "aircall" {
			maps.DeleteFunc(want, func(id, _ string) bool {
				_, had := before.held[c.table][id]
				_, came := got[id]
				return !had && !came
			})
		}
		if d := difference(want, got); d != "" {
			all = append(all, c.table+": "+d)
		}
	}
	return strings.Join(all, "; ")
}

// nightBefore is what the vendors held and the warehouse had before a night, by
// table and identity.
type nightBefore struct{ held, loaded map[string]map[string]string }

// unasked puts into the rows wanted what the night cannot bring: in the columns that
// drifted a row keeps what it had, and a new one has nothing.
func (h *theatre) unasked(c comparison, want, had map[string]string, drift []summary.Drift) {
	h.t.Helper()
	columns := columnsOf(c.sql)
	for _, d := range drift {
		if d.Column == c.table {
			clear(want)
			maps.Copy(want, had)
			continue
		}
		name, ok := strings.CutPrefix(d.Column, c.table+".")
		at := slices.Index(columns, name)
		if !ok || slices.Contains(derived, d.Column) {
			continue
		}
		if at < 1 {
			h.t.Fatalf("%s has no column %s among %v", c.table, name, columns)
		}
		for id, row := range want {
			cells, before := strings.Split(row, " | "), strings.Split(had[id], " | ")
			cells[at-1] = none
			if len(before) == len(cells) {
				cells[at-1] = before[at-1]
			}
			want[id] = strings.Join(cells, " | ")
		}
	}
}

// derived are the columns that are known all the same, from what was asked.
var derived = []string{"volt.messages.account_phone", "volt.messages.direction"}

// columnsOf are the columns that a comparison reads, in order.
func columnsOf(sql string) []string {
	var names []string
	for _, expression := range strings.Split(sql, ",") {
		words := regexp.MustCompile(`[a-z_]+`).FindAllString(strings.NewReplacer("epoch_us", "", "to_json", "", "round", "").Replace(expression), -1)
		names = append(names, words[0])
	}
	return names
}

func difference(want, got map[string]string) string {
	var missing, extra, changed []string
	for _, id := range slices.Sorted(maps.Keys(want)) {
		if g, ok := got[id]; !ok {
			missing = append(missing, id)
		} else if g != want[id] {
			changed = append(changed, fmt.Sprintf("%s\n   want %s\n    got %s", id, want[id], g))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[id]; !ok {
			extra = append(extra, id)
		}
	}
	if len(missing)+len(extra)+len(changed) == 0 {
		return ""
	}
	few := func(s []string) []string { return s[:min(3, len(s))] }
	return fmt.Sprintf("of %d rows %d are missing %v, %d too many %v, %d different %v",
		len(want), len(missing), few(missing), len(extra), few(extra), len(changed), few(changed))
}
