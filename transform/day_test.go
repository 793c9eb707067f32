package transform_test

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"nightjar/transform"
)

// The day of a table is the business date of every row that the golden pages become.
func TestDayIsTheBusinessDate(t *testing.T) {
	folders, err := filepath.Glob("testdata/*/*/page.json")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]int64{}
	for _, path := range folders {
		folder := filepath.Dir(path)
		var request goldenRequest
		if err := json.Unmarshal(read(t, folder, "request.json"), &request); err != nil {
			t.Fatal(err)
		}
		page := somePage
		page.Operation, page.Variables = request.Operation, request.Variables
		stream := streamOf(t, filepath.Base(filepath.Dir(folder)), request.Stream)
		held := stream.NewRows(memory.DefaultAllocator)
		decoderOf(t, stream, transform.Options{Location: paris(t)}).Decode(page, read(t, folder, "page.json"), held)
		err := held.Flush(func(table transform.Table, rec arrow.Record) error {
			if table.Day != "" {
				rows[table.Full()] += rec.NumRows()
				expectDay(t, folder, table, rec)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		held.Release()
	}
	for _, table := range []string{"iadvize.conversations", "iadvize.transactions", "aircall.calls", "volt.waves", "volt.messages",
		"desk.conversations", "clientloop.idv_sessions", "clientloop.idv_requests"} {
		if rows[table] == 0 {
			t.Errorf("no golden page has a row of %s, or it has no day", table)
		}
	}
}

func expectDay(t *testing.T, folder string, table transform.Table, rec arrow.Record) {
	t.Helper()
	at := rec.Schema().FieldIndices(table.Day)
	if len(at) != 1 {
		t.Fatalf("%s has no column %s", table.Full(), table.Day)
	}
	if !array.Equal(rec.Column(at[0]), rec.Column(int(rec.NumCols())-1)) {
		t.Errorf("%s: %s of %s is %s, and the business date is %s", folder, table.Day, table.Full(), rec.Column(at[0]), rec.Column(int(rec.NumCols())-1))
	}
}
