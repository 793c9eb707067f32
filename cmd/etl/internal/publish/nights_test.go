package publish

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"nightjar/cmd/etl/internal/config"
	"nightjar/cmd/etl/internal/warehouse"
	"nightjar/load"
	"nightjar/load/database"
	"nightjar/load/generation"
	"nightjar/transform"
)

// Over random nights, marts that follow the change are those that are computed whole,
// byte for byte: rows come, change, move between days and go, days are missing, the
// last final days go on and back, the channels change, and the database is lost.
func TestMartsFollowTheChange(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			w := newMartWorld(t, seed)
			w.night(true)
			kept := 0
			for range 9 {
				w.change()
				kept += w.night(w.Rand.IntN(6) == 0)
			}
			if kept == 0 {
				t.Error("no night has left a mart as it was: this proves little")
			}
		})
	}
}

// martWorld is a warehouse of the tables that the marts read.
type martWorld struct {
	*rand.Rand
	t     *testing.T
	dir   string
	src   *database.DB // has the rows, as each night is to publish them
	live  string       // the database of the last night
	marts string       // the folder of the Parquet of the last night
	n     int          // of nights
	next  int          // number of the row that comes next
}

// martSources are the vendor tables that the marts read: their key, their date, and the
// columns of a random row, r being a number.
var martSources = []struct{ table, key, date, columns string }{
	{"iadvize.conversations", "conversation_id", "closed_date", `CASE WHEN r % 11 = 0 THEN NULL ELSE r % 3 END AS project_id,
		['CHAT', 'CALL', NULL, 'WHATSAPP'][1 + (r // 3 % 4)] AS channel, CASE WHEN r % 2 = 0 THEN 1 + r % 5 END AS csat_score, CASE WHEN r % 3 = 0 THEN r % 11 END AS nps_score`},
	{"iadvize.transactions", "transaction_id", "closed_date", `'c' || r % 40 AS conversation_id, CASE WHEN r % 11 = 0 THEN NULL ELSE r % 3 END AS project_id,
		['EUR', NULL, 'USD'][1 + (r // 7 % 3)] AS currency, r % 1000 / 7 AS amount`},
	{"aircall.calls", "call_id", "created_date", `['inbound', 'outbound', NULL][1 + r % 3] AS direction, ['answered', 'missed', 'voicemail'][1 + (r // 3 % 3)] AS call_type,
		'+' || r % 2 AS via_number, r % 997 / 8 AS duration_seconds`},
	{"volt.waves", "wave_id", "scheduled_date", `'wave ' || r AS name, '+' || r % 2 AS account_phone, r % 90 AS total_messages, r % 50 AS messages_delivered, r % 7 AS messages_failed`},
	{"volt.messages", "message_id", "sent_date", `['failed', 'delivered'][1 + r % 2] AS status, ['inbound', 'outbound'][1 + (r // 2 % 2)] AS direction,
		CASE WHEN r % 3 = 0 THEN NULL ELSE 'e' || r % 4 END AS error_code, '+' || r % 2 AS account_phone, r % 9 AS wave_id`},
}

func newMartWorld(t *testing.T, seed uint64) *martWorld {
	w := &martWorld{Rand: rand.New(rand.NewPCG(seed, 7)), t: t, dir: t.TempDir()}
	w.src = w.open("source.duckdb")
	w.do("SET checkpoint_threshold = '1GB'")
	t.Cleanup(func() { w.src.Close() })
	for _, table := range warehouse.Tables() {
		if err := w.src.Create(t.Context(), table); err != nil {
			t.Fatal(err)
		}
	}
	w.do("INSERT INTO etl.survey_channels VALUES ('csat', 0, NULL, 'CHAT', NULL), ('nps', 0, NULL, 'CHAT', NULL)")
	w.do("INSERT INTO etl.final_through VALUES ('conversations', NULL), ('revenue', NULL), ('waves', NULL), ('messages', NULL), ('calls', '2026-11-05')")
	for i := range martSources {
		w.add(i, 60)
	}
	return w
}

func (w *martWorld) open(name string) *database.DB {
	w.t.Helper()
	db, err := database.Open(w.t.Context(), filepath.Join(w.dir, name), database.Limits{Folder: w.dir, Threads: 1})
	if err != nil {
		w.t.Fatal(err)
	}
	return db
}

func (w *martWorld) do(statement string) {
	w.t.Helper()
	if err := w.src.Exec(w.t.Context(), statement); err != nil {
		w.t.Fatalf("%s: %v", statement, err)
	}
}

// day is a random one, or none.
func (w *martWorld) day() string {
	if w.IntN(12) == 0 {
		return "NULL::DATE"
	}
	return fmt.Sprintf("DATE '2026-11-%02d'", 1+w.IntN(20))
}

// add makes rows of a table.
func (w *martWorld) add(source, n int) {
	s := martSources[source]
	var rows []string
	for range n {
		w.next++
		rows = append(rows, fmt.Sprintf("(%d, %s, %d)", w.next, w.day(), w.IntN(10000)))
	}
	w.do(fmt.Sprintf("INSERT INTO %s BY NAME SELECT k AS %s, d AS %s, TIMESTAMPTZ '2026-11-01' AS _extracted_at, 'p' AS _page, %s FROM (VALUES %s) v(k, d, r)",
		s.table, s.key, s.date, s.columns, strings.Join(rows, ", ")))
}

// change is what happens until the next night: little, often nothing.
func (w *martWorld) change() {
	for i, s := range martSources {
		some := fmt.Sprintf("%s IN (SELECT %s FROM %s ORDER BY hash(%s::VARCHAR || '%d') LIMIT %d)", s.key, s.key, s.table, s.key, w.next, 1+w.IntN(3))
		switch w.IntN(8) {
		case 0:
			w.add(i, 1+w.IntN(4))
		case 1:
			w.do("DELETE FROM " + s.table + " WHERE " + some)
		case 2:
			w.do(fmt.Sprintf("UPDATE %s SET %s = %s WHERE %s", s.table, s.date, w.day(), some))
		case 3: // a change that no mart sees
			w.do(fmt.Sprintf("UPDATE %s SET _page = 'p%d' WHERE %s", s.table, w.next, some))
		case 4:
			w.do("DELETE FROM " + s.table + " WHERE " + some)
			w.add(i, 1)
		}
		w.next++
	}
	switch w.IntN(6) {
	case 0: // as after a night, another settle time, another zone, or a vendor that is asked no more
		w.do(fmt.Sprintf("UPDATE etl.final_through SET last_day = %s WHERE records = '%s'", w.day(), []string{"conversations", "revenue", "waves", "messages", "calls"}[w.IntN(5)]))
	case 1:
		w.do(fmt.Sprintf("DELETE FROM etl.survey_channels WHERE survey = 'csat'; INSERT INTO etl.survey_channels VALUES ('csat', %d, %d, 'WHATSAPP', %s)", w.IntN(2), w.IntN(3), w.day()))
	}
}

// night publishes what the source holds, afresh or by bringing the last database up to
// date, and expects of both ways the same files. It returns how many marts it kept.
func (w *martWorld) night(afresh bool) (kept int) {
	w.t.Helper()
	w.n++
	whole := w.build(fmt.Sprintf("whole%d", w.n), nil)
	if afresh {
		w.live, w.marts = fmt.Sprintf("whole%d.duckdb", w.n), whole
		return 0
	}
	name := fmt.Sprintf("cut%d", w.n)
	content, err := os.ReadFile(filepath.Join(w.dir, w.live))
	if err == nil {
		err = os.WriteFile(filepath.Join(w.dir, name+".duckdb"), content, 0o600)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	changes := w.changes(name)
	before := w.marts
	w.marts, w.live = w.build(name, changes), name+".duckdb"
	for _, mart := range warehouse.Marts() {
		got, err := os.ReadFile(filepath.Join(w.marts, mart.Name))
		if os.IsNotExist(err) {
			kept++
			got, err = os.ReadFile(filepath.Join(before, mart.Name))
			if err == nil {
				err = os.WriteFile(filepath.Join(w.marts, mart.Name), got, 0o600)
			}
		}
		if err != nil {
			w.t.Fatal(err)
		}
		want, err := os.ReadFile(filepath.Join(whole, mart.Name))
		if err != nil || !slices.Equal(got, want) {
			w.t.Fatalf("night %d: %s is not as computed whole (%v)", w.n, mart.Name, err)
		}
	}
	return kept
}

// changes are the rows that came and that left since the last night, in files as a
// merge writes them.
func (w *martWorld) changes(name string) []merged {
	w.t.Helper()
	w.do("ATTACH '" + filepath.Join(w.dir, w.live) + "' AS before (READ_ONLY)")
	defer w.do("DETACH before")
	var all []merged
	for _, t := range warehouse.Tables() {
		m := merged{table: t}
		for _, side := range []struct {
			to         *string
			from, less string
		}{{&m.delta, "warehouse.", "before."}, {&m.left, "before.", "warehouse."}} {
			rows := fmt.Sprintf("FROM (SELECT * FROM %s%s EXCEPT SELECT * FROM %s%s)", side.from, t.Full(), side.less, t.Full())
			var n int
			if err := w.src.Scalar(w.t.Context(), "SELECT count(*) "+rows, &n); err != nil {
				w.t.Fatal(err)
			}
			if n == 0 {
				continue
			}
			*side.to = filepath.Join(w.dir, fmt.Sprintf("%s.%s%s", name, side.from, t.Full()))
			w.do("COPY (" + strings.Replace(rows, "FROM", "SELECT * FROM", 1) + ") TO " + database.Text(*side.to) + " (FORMAT parquet, FIELD_IDS " + ids(t) + ")")
		}
		if len(m.files()) > 0 {
			all = append(all, m)
		}
	}
	return all
}

// ids is the FIELD_IDS option for a table.
func ids(t load.Table) string {
	var all []string
	for _, f := range t.Arrow.Fields() {
		id, _ := f.Metadata.GetValue(transform.MetaFieldID)
		all = append(all, f.Name+": "+id)
	}
	return "{" + strings.Join(all, ", ") + "}"
}

// build makes a database and the Parquet of the marts; where changes is nil, of all
// that the source holds.
func (w *martWorld) build(name string, changes []merged) (folder string) {
	w.t.Helper()
	ctx := w.t.Context()
	db := w.open(name + ".duckdb")
	defer db.Close()
	folder = filepath.Join(w.dir, name)
	if err := os.Mkdir(folder, 0o700); err != nil {
		w.t.Fatal(err)
	}
	site := &warehouse.Site{Config: &config.Config{Timezone: time.UTC}}
	p := &Publisher{View: &warehouse.View{Site: site, Live: &generation.Generation{Manifest: &generation.Manifest{MadeBy: map[string]string{}}}}}
	if changes == nil {
		w.copyTables(db)
	} else if err := updateTables(ctx, db, changes); err != nil {
		w.t.Fatal(err)
	}
	final, err := readFinality(ctx, db, changes)
	if err != nil {
		w.t.Fatal(err)
	}
	var all []database.Work
	for _, mart := range warehouse.Marts() {
		work := database.Work{Mart: mart, Path: filepath.Join(folder, mart.Name)}
		if changes != nil {
			p.Live.Manifest.MadeBy[mart.Full()] = warehouse.MadeBy(mart)
			days, err := p.touched(ctx, db, mart, changes, final)
			if err != nil {
				w.t.Fatal(err)
			}
			work.Days, work.Keep = days, true
		}
		all = append(all, work)
	}
	if _, err := db.Compute(ctx, all); err != nil {
		w.t.Fatal(err)
	}
	if err := db.Finish(ctx); err != nil {
		w.t.Fatal(err)
	}
	return folder
}

// copyTables fills an empty database with what the source holds.
func (w *martWorld) copyTables(db *database.DB) {
	w.t.Helper()
	var all []database.Contents
	for _, t := range warehouse.Tables() {
		c := database.Contents{Table: t}
		if n, err := w.src.Rows(w.t.Context(), t); err != nil {
			w.t.Fatal(err)
		} else if n > 0 {
			file := filepath.Join(w.dir, fmt.Sprintf("%d.%s", w.n, t.Full()))
			w.do("COPY " + t.Full() + " TO " + database.Text(file) + " (FORMAT parquet, FIELD_IDS " + ids(t) + ")")
			c.Files = []string{file}
		}
		all = append(all, c)
	}
	if err := db.Fill(w.t.Context(), all); err != nil {
		w.t.Fatal(err)
	}
}
