package marts_test

import (
	"database/sql"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightjar/transform"
)

var update = flag.Bool("update", false, "write the golden values again")

// Every value of a mart over rich data, to the last bit. The file was written by the
// queries of the first version, which knew DuckDB alone: what the text of a mart
// becomes since, its values are these.
func TestGolden(t *testing.T) {
	db := open(t)
	mix(t, db)
	for _, name := range []string{"csat_daily", "nps_daily", "delivery_by_wave", "delivery_daily", "delivery_failures", "calls_daily", "revenue_daily"} {
		t.Run(name, func(t *testing.T) {
			got := ""
			for _, row := range values(t, db, name) {
				got += exactly(row) + "\n"
			}
			file := filepath.Join("testdata", name+".golden")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// exactly writes a row so that no two values look the same: a double by its bits.
func exactly(row []any) string {
	fields := make([]string, len(row))
	for i, v := range row {
		switch v := v.(type) {
		case nil:
			fields[i] = "-"
		case time.Time:
			fields[i] = v.Format(time.DateOnly)
		case float64:
			fields[i] = fmt.Sprintf("%016x", math.Float64bits(v))
		default:
			fields[i] = fmt.Sprintf("%q", fmt.Sprint(v))
		}
	}
	return strings.Join(fields, " ")
}

// mix fills the tables with rows of every kind that there is: values that are missing
// in each column, groups of one row and of many, no answers, nothing but good ones,
// receipts too many, halves of a microsecond, purchases of a day and of several, of
// conversations that are there and that are not.
func mix(t *testing.T, db *sql.DB) {
	t.Helper()
	const day = "CASE WHEN i % 101 = 0 THEN NULL ELSE DATE '2026-11-09' + (i * i % 13)::INT END"
	run(t, db, `INSERT INTO iadvize.conversations BY NAME SELECT 'c' || i AS conversation_id,
			CASE WHEN i % 97 = 0 THEN NULL ELSE 1 + i * 7 % 3 END AS project_id,
			[NULL, 'CHAT', 'CHAT', 'CHAT', 'WHATSAPP', 'CALL', 'VIDEO'][1 + (i * 5 % 7)] AS channel, `+day+` AS closed_date,
			CASE WHEN i % 3 = 0 OR i * i % 13 = 4 THEN NULL WHEN i * i % 13 = 3 THEN 5 WHEN i * i % 13 = 1 THEN 1 ELSE 1 + i * 11 % 5 END AS csat_score,
			CASE WHEN i % 4 = 0 OR i * i % 13 = 4 THEN NULL WHEN i * i % 13 = 3 THEN 10 WHEN i * i % 13 = 1 THEN i % 7 ELSE i * 17 % 11 END AS nps_score
		FROM range(4000) r(i)`)
	run(t, db, `INSERT INTO iadvize.conversations (conversation_id, project_id, closed_date, channel, csat_score, nps_score) VALUES
		('d1', 9, '2026-11-17', 'CHAT', 5, 10), ('d2', 9, '2026-11-18', 'CHAT', 1, 0), ('d3', 9, '2026-11-19', 'CHAT', NULL, NULL), ('d4', NULL, NULL, NULL, NULL, NULL)`)
	run(t, db, `INSERT INTO iadvize.transactions BY NAME SELECT 't' || i AS transaction_id,
			CASE WHEN i % 89 = 0 THEN NULL WHEN i % 53 = 0 THEN 'gone' || i % 7 ELSE 'c' || i // 3 * 3 END AS conversation_id,
			CASE WHEN i % 31 = 0 THEN NULL ELSE DATE '2026-11-09' + (i // 3 % 13 + CASE WHEN i % 29 = 0 THEN 1 ELSE 0 END)::INT END AS closed_date,
			[NULL, 'EUR', 'EUR', 'USD'][1 + (i // 2 % 4)] AS currency, CASE WHEN i % 17 = 0 THEN NULL ELSE (i * 7919 % 100000 - 9000) / 10000 END AS amount
		FROM range(3000) r(i)`)
	if slices.ContainsFunc(transform.ClosedConversations().Tables[1].Columns, func(c transform.Column) bool { return c.Name == "project_id" }) {
		run(t, db, "UPDATE iadvize.transactions AS t SET project_id = c.project_id FROM iadvize.conversations AS c WHERE c.conversation_id = t.conversation_id")
	}
	run(t, db, `INSERT INTO aircall.calls BY NAME SELECT 'a' || i AS call_id, `+day+` AS created_date,
			[NULL, 'inbound', 'inbound', 'outbound', 'internal'][1 + (i * 3 % 5)] AS direction,
			[NULL, 'answered', 'answered', 'missed', 'voicemail', 'transferred'][1 + (i // 5 % 6)] AS call_type,
			CASE WHEN i % 61 = 0 THEN NULL ELSE '+' || i % 4 END AS via_number,
			CASE WHEN i % 23 = 0 THEN NULL WHEN i % 19 = 0 THEN i + 0.0000005::DOUBLE ELSE (i * 6007 % 3600000)::DOUBLE / 1000 END AS duration_seconds
		FROM range(2000) r(i)`)
	run(t, db, `INSERT INTO volt.waves BY NAME SELECT i AS wave_id, 'wave ' || i AS name, [NULL, 'group', 'contact'][1 + i % 3] AS type,
			CASE WHEN i % 41 = 0 THEN NULL ELSE '+' || i % 3 END AS account_phone, `+day+` AS scheduled_date,
			CASE WHEN i % 37 = 0 THEN NULL ELSE i * 13 % 400 END AS total_messages,
			CASE WHEN i % 43 = 0 THEN NULL ELSE i * 13 % 400 * (i % 11) // 10 END AS messages_delivered,
			CASE WHEN i % 47 = 0 THEN NULL ELSE i * 13 % 400 * (i % 3) // 20 END AS messages_failed
		FROM range(300) r(i)`)
	run(t, db, `INSERT INTO volt.messages BY NAME SELECT i AS message_id, `+day+` AS sent_date,
			[NULL, 'failed', 'failed', 'delivered'][1 + i % 4] AS status, [NULL, 'outbound', 'inbound', 'outbound', 'outbound'][1 + i % 5] AS direction,
			CASE WHEN i % 7 = 0 THEN NULL ELSE '3000' || i * i % 6 END AS error_code, CASE WHEN i % 71 = 0 THEN NULL ELSE '+' || i % 3 END AS account_phone,
			CASE WHEN i % 3 = 0 THEN NULL ELSE i % 40 END AS wave_id
		FROM range(3000) r(i)`)
}
