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
func TestNothingConfigured(t *testing.T) {
	db := open(t)
	run(t, db, "DELETE FROM etl.survey_channels")
	run(t, db, "DELETE FROM etl.final_through")
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
	run(t, db, `INSERT INTO iadvize.transactions (transaction_id, conversation_id, project_id, closed_date, amount, currency) VALUES
		('1', 'a', 1, '2026-11-17', 0.1, 'EUR'), ('2', 'a', 1, '2026-11-17', 0.2, 'EUR'), ('3', 'b', 1, '2026-11-17', 10, 'EUR'),
		('4', 'b', 1, '2026-11-17', 7.0001, 'USD'), ('5', 'gone', NULL, '2026-11-17', -1, 'EUR'), ('6', 'a', 1, '2026-11-18', 1, 'EUR'),
		('7', 'b', 1, '2026-11-17', 1, NULL), ('8', 'b', 1, '2026-11-17', 1, NULL), ('9', 'a', 1, NULL, 1, 'EUR'), ('10', 'a', 1, NULL, NULL, 'EUR'),
		('11', NULL, NULL, '2026-11-18', 1, 'EUR'), ('12', NULL, NULL, '2026-11-18', 1, 'EUR')`)
	want := []string{
		"2026-11-17 1 EUR 3 2 10.3000 true",
		"2026-11-17 1 USD 1 1 7.0001 true",
		"2026-11-17 1 - 2 1 2.0000 true",
		"2026-11-17 - EUR 1 1 -1.0000 true", // its project is not known
		"2026-11-18 1 EUR 1 1 1.0000 false", // a second day of the same conversation
		"2026-11-18 - EUR 2 0 2.0000 false", // of no conversation
		"- 1 EUR 2 1 1.0000 false",
	}
	if diff := cmp.Diff(want, query(t, db, "revenue_daily")); diff != "" {
		t.Error(diff)
	}
}

// A row is final up to the last day that is, of its own kind of records; without such a
// day, and without a day of its own, it is not.
func TestFinal(t *testing.T) {
	for mart, fill := range map[string]string{
		"csat_daily":        "INSERT INTO iadvize.conversations (conversation_id, closed_date) VALUES ('a', $1)",
		"nps_daily":         "INSERT INTO iadvize.conversations (conversation_id, closed_date) VALUES ('a', $1)",
		"revenue_daily":     "INSERT INTO iadvize.transactions (transaction_id, closed_date) VALUES ('a', $1)",
		"delivery_by_wave":  "INSERT INTO volt.waves (wave_id, scheduled_date) VALUES (1, $1)",
		"delivery_daily":    "INSERT INTO volt.waves (wave_id, scheduled_date) VALUES (1, $1)",
		"delivery_failures": "INSERT INTO volt.messages (message_id, sent_date, status) VALUES (1, $1, 'failed')",
		"messages_by_wave":  "INSERT INTO volt.messages (message_id, sent_date) VALUES (1, $1)",
		"calls_daily":       "INSERT INTO aircall.calls (call_id, created_date) VALUES ('a', $1)",
	} {
		for _, c := range []struct {
			day, last any
			want      bool
		}{
			{"2026-10-24", "2026-10-23", false},
			{"2026-10-24", "2026-10-24", true},
			{"2026-10-24", "2026-10-25", true},
			{"2026-10-24", nil, false},
			{nil, "2026-10-25", false},
		} {
			db := open(t)
			run(t, db, fill, c.day)
			run(t, db, "UPDATE etl.final_through SET last_day = CASE WHEN records = $1 THEN $2::DATE WHEN $3 THEN NULL ELSE '2030-01-01' END", recordsOf(t, mart), c.last, c.want)
			rows := values(t, db, mart)
			if len(rows) != 1 || rows[0][len(rows[0])-1] != c.want {
				t.Errorf("%s of %v, final through %v: %v, want %v", mart, c.day, c.last, rows, c.want)
			}
		}
	}
}

// recordsOf is the kind of records that a mart declares.
func recordsOf(t *testing.T, name string) string { return mart(t, name).Final }

// Where a survey is asked can be said of one project, and from a day on.
func TestSurveyOfAProject(t *testing.T) {
	db := open(t)
	run(t, db, "DELETE FROM etl.survey_channels")
	run(t, db, `INSERT INTO etl.survey_channels VALUES ('csat', 0, 1, 'CHAT', '2026-11-17'), ('csat', 1, 1, 'CHAT', '2026-11-16'),
		('csat', 2, 2, 'CHAT', NULL), ('nps', 0, 3, 'CHAT', NULL)`)
	run(t, db, `INSERT INTO iadvize.conversations (conversation_id, project_id, closed_date, channel) VALUES
		('a', 1, '2026-11-15', 'CHAT'), ('b', 1, '2026-11-16', 'CHAT'), ('c', 1, '2026-11-17', 'CHAT'), ('d', 2, NULL, 'CHAT'),
		('e', 3, '2026-11-17', 'CHAT'), ('f', NULL, '2026-11-17', 'CHAT'), ('g', 2, '2026-11-17', NULL), ('h', 1, NULL, 'CHAT')`)
	for mart, want := range map[string][]int64{"csat_daily": {0, 1, 1, 0, 0, 0, 0, 1}, "nps_daily": {0, 0, 0, 0, 1, 0, 0, 0}} {
		var got []int64
		for _, row := range values(t, db, mart) {
			got = append(got, row[4].(int64))
			if row[3] != int64(1) {
				t.Errorf("%s counts %v", mart, row)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("eligible of %s: %s", mart, diff)
		}
	}
}

// Every account and every wave that a message names is in messages_by_wave.
func TestMessagesByWave(t *testing.T) {
	db := open(t)
	run(t, db, `INSERT INTO volt.messages (message_id, sent_date, account_phone, wave_id, direction, status) VALUES
		(1, '2026-11-17', '+1', 7, 'outbound', 'delivered'), (2, '2026-11-17', '+1', 7, 'outbound', 'failed'), (3, '2026-11-17', '+1', 7, 'inbound', 'received'),
		(4, '2026-11-18', '+1', NULL, 'outbound', 'delivered'), (5, NULL, NULL, 8, NULL, NULL), (6, '2026-11-17', '+2', 9, 'inbound', 'delivered')`)
	want := []string{
		"2026-11-17 +1 7 inbound 1 0 0 true",
		"2026-11-17 +1 7 outbound 2 1 1 true",
		"2026-11-17 +2 9 inbound 1 1 0 true",
		"2026-11-18 +1 - outbound 1 1 0 false",
		"- - 8 - 1 0 0 false",
	}
	if diff := cmp.Diff(want, query(t, db, "messages_by_wave")); diff != "" {
		t.Error(diff)
	}
	mix(t, db)
	run(t, db, "CREATE TEMP VIEW mart AS "+mart(t, "messages_by_wave").Query)
	for _, column := range []string{"account_phone", "wave_id"} {
		var differ int
		query := "SELECT count(*) FROM ((SELECT DISTINCT " + column + " FROM mart EXCEPT SELECT " + column + " FROM volt.messages) UNION ALL (SELECT " + column + " FROM volt.messages EXCEPT SELECT " + column + " FROM mart))"
		if err := db.QueryRow(query).Scan(&differ); err != nil || differ != 0 {
			t.Errorf("%d values of %s differ (%v)", differ, column, err)
		}
	}
}
