package marts_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"

	"nightjar/transform"
)

// martMemory is what DuckDB may take here, on one thread. It is less than any run
// gives it, because the tables below are so much smaller than a warehouse may be.
const martMemory = "32MB"

// A mart needs no more memory for more rows: what it must hold, it spills. One that
// counts distinct keys beside a join fails here.
func TestMemory(t *testing.T) {
	const conversations = 150_000
	db := openAt(t, filepath.Join(t.TempDir(), "analytics.duckdb"))
	fill(t, db, conversations)
	run(t, db, "CHECKPOINT")
	run(t, db, "SET preserve_insertion_order = false")
	run(t, db, "SET threads = 1")
	run(t, db, fmt.Sprintf("SET temp_directory = '%s'", filepath.Join(t.TempDir(), "spilled")))
	run(t, db, "SET memory_limit = '"+martMemory+"'")
	for _, m := range transform.Marts() {
		if _, err := db.Exec("CREATE TEMP TABLE " + m.Name + " AS " + m.Query); err != nil {
			t.Errorf("mart %s: %v", m.Name, err)
			continue
		}
		var rows int
		if err := db.QueryRow("SELECT count(*) FROM " + m.Name).Scan(&rows); err != nil || rows == 0 {
			t.Errorf("mart %s: %d rows (%v)", m.Name, rows, err)
		}
	}
	var purchases, distinct int
	query := "SELECT sum(transactions), sum(conversations) FROM revenue_daily"
	if err := db.QueryRow(query).Scan(&purchases, &distinct); err != nil || purchases != 2*conversations || distinct != conversations {
		t.Errorf("%d purchases of %d conversations (%v), want two of each of %d", purchases, distinct, err, conversations)
	}
}

// fill makes n rows in each table that a mart reads, over a year, two purchases of
// each conversation, and a wave for every twenty messages.
func fill(t *testing.T, db *sql.DB, n int) {
	t.Helper()
	for table, query := range map[string]string{
		"iadvize.conversations": `SELECT md5(i::VARCHAR) || '-conversation' AS conversation_id, i % 3 AS project_id, ['CHAT', 'CALL'][i % 2 + 1] AS channel,
			DATE '2025-01-01' + (i % 365)::INT AS closed_date, (i % 5 + 1)::TINYINT AS csat_score, (i % 11)::TINYINT AS nps_score FROM range($1) r(i)`,
		"iadvize.transactions": `SELECT md5('t' || i) || '-transaction' AS transaction_id, md5((i // 2)::VARCHAR) || '-conversation' AS conversation_id,
			'EUR' AS currency, DATE '2025-01-01' + (i // 2 % 365)::INT AS closed_date, i AS amount FROM range(2 * $1) r(i)`,
		"aircall.calls": `SELECT md5(i::VARCHAR) AS call_id, 'inbound' AS direction, 'answered' AS call_type, '+' || i % 20 AS via_number, i / 7 AS duration_seconds,
			DATE '2025-01-01' + (i % 365)::INT AS created_date FROM range($1) r(i)`,
		"volt.waves": `SELECT i AS wave_id, 'wave ' || md5(i::VARCHAR) AS name, '+' || i % 20 AS account_phone, DATE '2025-01-01' + (i % 365)::INT AS scheduled_date,
			i % 900 AS total_messages, i % 500 AS messages_delivered, i % 9 AS messages_failed FROM range($1 // 20) r(i)`,
		"volt.messages": `SELECT i AS message_id, 'failed' AS status, 'error ' || i % 50 AS error_code, DATE '2025-01-01' + (i % 365)::INT AS sent_date FROM range($1) r(i)`,
	} {
		run(t, db, "INSERT INTO "+table+" BY NAME "+query, n)
	}
}
