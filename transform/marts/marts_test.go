// Package marts_test runs the queries of the marts on DuckDB. The folder holds no
// Go code beside it: package transform embeds the queries.
package marts_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightjar/transform"
)

// The columns of each query are the declared ones, in name, type and order, also
// over empty tables.
func TestColumns(t *testing.T) {
	db := open(t)
	for _, m := range transform.Marts() {
		rows, err := db.Query("SELECT column_name, column_type FROM (DESCRIBE " + m.Query + ")")
		if err != nil {
			t.Fatalf("mart %s: %v", m.Name, err)
		}
		var got, want []string
		for rows.Next() {
			var name, kind string
			if err := rows.Scan(&name, &kind); err != nil {
				t.Fatal(err)
			}
			got = append(got, name+" "+kind)
		}
		rows.Close()
		for _, c := range m.Columns {
			want = append(want, c.Name+" "+duckTypes[c.Type.String()])
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("mart %s (-declared +query):\n%s", m.Name, diff)
		}
		if rows := values(t, db, m.Name); len(rows) != 0 {
			t.Errorf("mart %s over nothing has %d rows", m.Name, len(rows))
		}
	}
}

// Queries can be computed before anything is configured or landed.
func TestVariablesUnset(t *testing.T) {
	db := open(t)
	for _, v := range []string{"csat_channels", "nps_channels", "conversations_as_of", "conversations_lookback", "revenue_settle", "waves_as_of", "waves_settle", "calls_as_of", "calls_settle", "messages_as_of", "messages_settle"} {
		run(t, db, "SET VARIABLE "+v+" = NULL")
	}
	run(t, db, "INSERT INTO iadvize.conversations (conversation_id, closed_date, channel, csat_score) VALUES ('a', '2026-11-01', 'CHAT', 5)")
	run(t, db, "INSERT INTO volt.waves (wave_id, scheduled_date) VALUES (1, '2026-11-01')")
	want := []string{"2026-11-01 - CHAT 1 0 1 1 100.00 20.65 100.00 5.00 - false"}
	if diff := cmp.Diff(want, query(t, db, "csat_daily")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"1 - - - 2026-11-01 - - - - - - false"}, query(t, db, "delivery_by_wave")); diff != "" {
		t.Error(diff)
	}
}

// The figures of both tests below are computed by hand from the formulas: 3 of 4
// satisfied is 75 %, Wilson 30.06 to 95.44.
func TestSatisfaction(t *testing.T) {
	db := open(t)
	run(t, db, `INSERT INTO iadvize.conversations (conversation_id, project_id, closed_date, channel, csat_score, nps_score) VALUES
		('a', 1, '2026-11-17', 'CHAT', 5, 10), ('b', 1, '2026-11-17', 'CHAT', 4, 9),
		('c', 1, '2026-11-17', 'CHAT', 5, 7), ('d', 1, '2026-11-17', 'CHAT', 2, 3),
		('e', 1, '2026-11-17', 'CHAT', NULL, NULL), ('f', 1, '2026-11-18', 'CALL', 5, NULL),
		('g', 1, '2026-11-18', 'WHATSAPP', NULL, NULL), ('h', NULL, NULL, 'CHAT', 1, 0)`)
	want := []string{
		"2026-11-17 1 CHAT 5 5 4 3 75.00 30.06 95.44 4.00 80.00 true", // 18 November 00:00 + 72 h is the newest page
		"2026-11-18 1 CALL 1 0 1 1 100.00 20.65 100.00 5.00 - false",  // an answer where nobody asks
		"2026-11-18 1 WHATSAPP 1 1 0 0 - - - - 0.00 false",            // no answer is no zero
		"- - CHAT 1 1 1 0 0.00 0.00 79.35 1.00 100.00 false",          // no day is never final
	}
	if diff := cmp.Diff(want, query(t, db, "csat_daily")); diff != "" {
		t.Error(diff)
	}
	want = []string{
		"2026-11-17 1 CHAT 5 5 4 2 1 1 25.00 -44.16 72.73 true", // (2.75 − 1.75) / 7 ± 58.45
		"2026-11-18 1 CALL 1 0 0 0 0 0 - - - false",
		"2026-11-18 1 WHATSAPP 1 0 0 0 0 0 - - - false",
		"- - CHAT 1 1 1 0 0 1 -100.00 -98.50 48.50 false",
	}
	if diff := cmp.Diff(want, query(t, db, "nps_daily")); diff != "" {
		t.Error(diff)
	}
}

func TestDelivery(t *testing.T) {
	db := open(t)
	run(t, db, `INSERT INTO volt.waves (wave_id, name, type, account_phone, scheduled_date, total_messages, messages_delivered, messages_failed) VALUES
		(2, 'b', 'group', '+1', '2026-11-17', 100, 80, 10),
		(1, 'a', 'account', '+1', '2026-11-17', 10, 9, 2),
		(3, 'c', 'group', '+1', '2026-11-16', 0, 0, 0),
		(4, 'd', 'group', '+2', NULL, NULL, 1, 1)`)
	want := []string{
		"1 a account +1 2026-11-17 10 9 2 0 90.00 81.82 false", // a receipt too many; a second before it is final
		"2 b group +1 2026-11-17 100 80 10 10 80.00 88.89 false",
		"3 c group +1 2026-11-16 0 0 0 0 - - true",
		"4 d group +2 - - 1 1 - - 50.00 false",
	}
	if diff := cmp.Diff(want, query(t, db, "delivery_by_wave")); diff != "" {
		t.Error(diff)
	}
	want = []string{
		"2026-11-16 +1 1 0 0 0 0 - - true",
		"2026-11-17 +1 2 110 89 12 10 80.91 88.12 false",
		"- +2 1 - 1 1 - - 50.00 false",
	}
	if diff := cmp.Diff(want, query(t, db, "delivery_daily")); diff != "" {
		t.Error(diff)
	}
}

func TestDeliveryFailures(t *testing.T) {
	db := open(t)
	run(t, db, `INSERT INTO volt.messages (message_id, sent_date, status, direction, error_code) VALUES
		(1, '2026-11-17', 'failed', 'outbound', '30003'), (2, '2026-11-17', 'failed', 'outbound', '30003'),
		(3, '2026-11-17', 'failed', 'outbound', NULL), (4, '2026-11-17', 'failed', NULL, '30006'),
		(5, '2026-11-17', 'failed', 'inbound', '30003'), (6, '2026-11-17', 'delivered', 'outbound', NULL),
		(7, '2026-11-18', 'failed', 'outbound', '30003')`)
	want := []string{
		"2026-11-17 30003 2 50.00 true",
		"2026-11-17 30006 1 25.00 true",
		"2026-11-17 unknown 1 25.00 true",
		"2026-11-18 30003 1 100.00 false",
	}
	if diff := cmp.Diff(want, query(t, db, "delivery_failures")); diff != "" {
		t.Error(diff)
	}
}

func TestCalls(t *testing.T) {
	db := open(t)
	run(t, db, `INSERT INTO aircall.calls (call_id, created_date, via_number, direction, call_type, duration_seconds) VALUES
		('a', '2026-11-17', '+1', 'inbound', 'answered', 60.5), ('b', '2026-11-17', '+1', 'inbound', 'missed', 9),
		('c', '2026-11-17', '+1', 'inbound', 'voicemail', 30), ('d', '2026-11-17', '+1', 'outbound', 'answered', 30),
		('e', '2026-11-17', '+1', 'outbound', 'missed', 3), ('f', '2026-11-17', '+2', 'outbound', 'answered', NULL),
		('g', '2026-11-17', '+1', 'internal', 'transferred', 3), ('h', '2026-11-18', '+2', 'inbound', 'missed', 3),
		('i', NULL, '+2', 'inbound', 'missed', 3)`)
	want := []string{
		"2026-11-17 +1 3 1 1 1 2 1 33.33 45.25 true",
		"2026-11-17 +2 0 0 0 0 1 1 - - true",
		"2026-11-18 +2 1 0 1 0 0 0 0.00 - false",
		"- +2 1 0 1 0 0 0 0.00 - false",
	}
	if diff := cmp.Diff(want, query(t, db, "calls_daily")); diff != "" {
		t.Error(diff)
	}
}

func TestRevenue(t *testing.T) {
	db := open(t)
	run(t, db, "INSERT INTO iadvize.conversations (conversation_id, project_id) VALUES ('a', 1), ('b', 1)")
	run(t, db, `INSERT INTO iadvize.transactions (transaction_id, conversation_id, closed_date, amount, currency) VALUES
		('1', 'a', '2026-11-17', 0.1, 'EUR'), ('2', 'a', '2026-11-17', 0.2, 'EUR'), ('3', 'b', '2026-11-17', 10, 'EUR'),
		('4', 'b', '2026-11-17', 7.0001, 'USD'), ('5', 'gone', '2026-11-17', -1, 'EUR'), ('6', 'a', '2026-11-18', 1, 'EUR'),
		('7', 'b', '2026-11-17', 1, NULL), ('8', 'b', '2026-11-17', 1, NULL), ('9', 'a', NULL, 1, 'EUR'), ('10', 'a', NULL, NULL, 'EUR'),
		('11', NULL, '2026-11-18', 1, 'EUR'), ('12', NULL, '2026-11-18', 1, 'EUR')`)
	want := []string{
		"2026-11-17 1 EUR 3 2 10.3000 true",
		"2026-11-17 1 USD 1 1 7.0001 true",
		"2026-11-17 1 - 2 1 2.0000 true",
		"2026-11-17 - EUR 1 1 -1.0000 true", // its conversation is not there
		"2026-11-18 1 EUR 1 1 1.0000 false", // a second day of the same conversation
		"2026-11-18 - EUR 2 0 2.0000 false", // of no conversation
		"- 1 EUR 2 1 1.0000 false",
	}
	if diff := cmp.Diff(want, query(t, db, "revenue_daily")); diff != "" {
		t.Error(diff)
	}
}

// A row is final from the instant on at which its day and the time after it have
// passed, in the zone of the business day; without that, and without an instant at
// which the vendor was asked, it is not.
func TestFinal(t *testing.T) {
	for _, m := range []struct{ mart, asOf, wait, row string }{
		{"csat_daily", "conversations_as_of", "conversations_lookback", "INSERT INTO iadvize.conversations (conversation_id, closed_date) VALUES ('a', '2026-10-24')"},
		{"nps_daily", "conversations_as_of", "conversations_lookback", "INSERT INTO iadvize.conversations (conversation_id, closed_date) VALUES ('a', '2026-10-24')"},
		{"revenue_daily", "conversations_as_of", "revenue_settle", "INSERT INTO iadvize.transactions (transaction_id, closed_date) VALUES ('a', '2026-10-24')"},
		{"delivery_by_wave", "waves_as_of", "waves_settle", "INSERT INTO volt.waves (wave_id, scheduled_date) VALUES (1, '2026-10-24')"},
		{"delivery_daily", "waves_as_of", "waves_settle", "INSERT INTO volt.waves (wave_id, scheduled_date) VALUES (1, '2026-10-24')"},
		{"delivery_failures", "messages_as_of", "messages_settle", "INSERT INTO volt.messages (message_id, sent_date, status) VALUES (1, '2026-10-24', 'failed')"},
		{"calls_daily", "calls_as_of", "calls_settle", "INSERT INTO aircall.calls (call_id, created_date) VALUES ('a', '2026-10-24')"},
	} {
		db := open(t)
		run(t, db, m.row)
		// The 25th of October 2026 begins at 22:00 UTC in Paris, and has 25 hours.
		for _, c := range []struct {
			asOf, wait string
			want       bool
		}{
			{"TIMESTAMPTZ '2026-10-26 21:59:59.999999+00'", "INTERVAL '48 hours'", false},
			{"TIMESTAMPTZ '2026-10-26 22:00:00+00'", "INTERVAL '48 hours'", true},
			{"TIMESTAMPTZ '2026-10-26 22:00:00.000001+00'", "INTERVAL '48 hours'", true},
			{"TIMESTAMPTZ '2026-10-26 22:00:00+00'", "INTERVAL '48 hours 1 second'", false},
			{"NULL::TIMESTAMPTZ", "INTERVAL '48 hours'", false},
			{"TIMESTAMPTZ '2026-12-26 22:00:00+00'", "NULL::INTERVAL", false},
		} {
			run(t, db, "SET VARIABLE "+m.asOf+" = "+c.asOf)
			run(t, db, "SET VARIABLE "+m.wait+" = "+c.wait)
			rows := values(t, db, m.mart)
			if got := rows[0][len(rows[0])-1]; len(rows) != 1 || got != c.want {
				t.Errorf("%s as of %s, %s after the day: is_final = %v, want %v", m.mart, c.asOf, c.wait, got, c.want)
			}
		}
	}
}
