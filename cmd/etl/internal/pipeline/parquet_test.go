package pipeline_test

import (
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"nightjar/cmd/etl/internal/config"
	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/extract/sandbox"
)

// storedColumns are the columns of each table as other readers see them.
func storedColumns() map[string][]string {
	const (
		text    = "STRING"
		whole   = "INT(64,true)"
		instant = "TIMESTAMP(isAdjustedToUTC=true,unit=MICROS)"
	)
	return map[string][]string{
		"iadvize.conversations": {"conversation_id " + text + " required", "project_id " + whole, "channel " + text, "language " + text,
			"created_at " + instant, "closed_at " + instant, "closed_date DATE", "duration_seconds DOUBLE", "tags list of " + text,
			"csat_score INT(8,true)", "nps_score INT(8,true)", "survey_comment " + text,
			"_extracted_at " + instant + " required", "_page " + text + " required"},
		"iadvize.transactions": {"conversation_id " + text + " required", "transaction_id " + text + " required", "external_conversion_id " + text,
			"amount DECIMAL(18,4)", "currency " + text, "received_at " + instant, "closed_date DATE", "project_id " + whole,
			"_extracted_at " + instant + " required", "_page " + text + " required"},
		"aircall.calls": {"call_id " + text + " required", "direction " + text, "call_type " + text, "from_number " + text, "to_number " + text,
			"via_number " + text, "duration_seconds DOUBLE", "is_archived BOOLEAN", "note_count " + whole, "created_at " + instant,
			"created_date DATE", "_extracted_at " + instant + " required", "_page " + text + " required"},
		"volt.waves": {"wave_id " + whole + " required", "name " + text, "type " + text, "scheduled_at " + instant, "scheduled_date DATE",
			"account_id " + text, "account_name " + text, "account_phone " + text, "organization_id " + text, "sent_by " + text,
			"body " + text, "media list of " + text, "lists list of " + text, "total_messages " + whole, "messages_delivered " + whole,
			"messages_failed " + whole, "_extracted_at " + instant + " required", "_page " + text + " required"},
		"volt.messages": {"message_id " + whole + " required", "legacy_id " + text, "wave_id " + whole, "contact_id " + text,
			"account_phone " + text, "from_number " + text, "to_number " + text, "direction " + text, "status " + text,
			"status_description " + text, "error_code " + text, "body " + text, "sent_at " + instant, "sent_date DATE",
			"confirmed_at " + instant, "_extracted_at " + instant + " required", "_page " + text + " required"},
	}
}

func TestParquetForOtherReaders(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.3})
	for i := range v.config.Pipelines {
		v.config.Pipelines[i].Partition = config.ByDay // small files: some have columns without a value
	}
	v.run(pipeline.Request{})
	for table, want := range storedColumns() {
		t.Run(table, func(t *testing.T) {
			var ids map[string]int
			rows, bare := int64(0), map[string]bool{}
			for _, path := range v.files(table) {
				file := openParquet(t, path)
				if got := typesOf(file); !slices.Equal(got, want) {
					t.Fatalf("%s has\n%s\nwant\n%s", path, strings.Join(got, "\n"), strings.Join(want, "\n"))
				}
				if ids == nil {
					ids = fieldIDs(file)
				}
				if now := fieldIDs(file); !maps.Equal(now, ids) {
					t.Errorf("%s has the field ids %v, others %v", path, now, ids)
				}
				all := readParquet(t, path)
				expectSorted(t, path, keys[table], all)
				rows += int64(len(all))
				for _, c := range want {
					name, _, _ := strings.Cut(c, " ")
					if count(all, func(r row) bool { return r[name] != nil }) == 0 {
						bare[name] = true
					}
				}
			}
			seen := map[int]string{}
			for name, id := range ids {
				if id <= 0 || seen[id] != "" {
					t.Errorf("%s has the field id %d, as has %q", name, id, seen[id])
				}
				seen[id] = name
			}
			if have := v.live().Manifest.Tables[table].Rows; have != rows {
				t.Errorf("the files have %d rows, the manifest %d", rows, have)
			}
			if optional := map[string]string{"iadvize.conversations": "nps_score", "volt.messages": "error_code", "volt.waves": "lists"}[table]; optional != "" && !bare[optional] {
				t.Errorf("no file has a %s without any value: this proves nothing", optional)
			}
		})
	}
}

// Field ids are for ever: a table format that adopted the files finds its columns
// by them.
func TestFieldIDsStay(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.05})
	v.run(pipeline.Request{})
	for table, want := range map[string]map[string]int{
		"iadvize.conversations": {"conversation_id": 1, "closed_at": 6, "tags": 9, "tags.element": 2009, "csat_score": 10, "survey_comment": 12},
		"iadvize.transactions":  {"transaction_id": 1, "amount": 4, "closed_date": 7},
		"aircall.calls":         {"call_id": 1, "duration_seconds": 7, "created_date": 11},
		"aircall.call_notes":    {"note_id": 1, "content": 4},
		"volt.waves":            {"wave_id": 1, "body": 11, "messages_failed": 16},
		"volt.messages":         {"message_id": 1, "sent_date": 14, "confirmed_at": 15},
	} {
		ids := fieldIDs(openParquet(t, v.files(table)[0]))
		for column, id := range want {
			if ids[column] != id {
				t.Errorf("%s.%s has the field id %d, want %d", table, column, ids[column], id)
			}
		}
	}
	for mart := range grains {
		file := openParquet(t, filepath.Join(v.config.Warehouse, "current", "parquet", "marts", mart, "data.parquet"))
		for i, f := range file.Schema().Fields() {
			if id := fieldIDs(file)[f.Name()]; id != i+1 {
				t.Errorf("marts.%s.%s has the field id %d, want %d", mart, f.Name(), id, i+1)
			}
		}
	}
}

// More distinct values than a dictionary takes give the same bytes, however many
// decoders share the pages.
func TestManyDistinctValuesGiveTheSameBytes(t *testing.T) {
	if testing.Short() {
		t.Skip("tens of thousands of rows")
	}
	v := open(t, noon, sandbox.Options{Scale: 26, Start: noon.AddDate(0, 0, -30), Waves: 1, WaveSize: 1})
	v.run(pipeline.Request{Pipelines: []string{"conversations"}})
	bytes, largest := 0, ""
	for _, path := range v.files("iadvize.conversations") {
		size := 0
		for _, r := range readParquet(t, path) {
			size += len(r["conversation_id"].(string))
		}
		if size > bytes {
			bytes, largest = size, path
		}
	}
	if bytes <= 1<<20 {
		t.Fatalf("%s has %d bytes of distinct values: this proves nothing", largest, bytes)
	}
	want := exported(t, v.config.Warehouse)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	dir := v.withLanding()
	v.replay(dir, time.Time{})
	expectSameFiles(t, exported(t, dir), want)
}
