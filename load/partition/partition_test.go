package partition

import (
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"nightjar/load/parquetfile"
)

func TestFolders(t *testing.T) {
	days := func(y int, m time.Month, d int) int32 {
		return int32(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
	}
	for _, c := range []struct {
		width  Width
		day    int32
		folder string
	}{
		{Month, days(2026, 11, 20), "month=2026-11"},
		{Day, days(2026, 11, 20), "day=2026-11-20"},
		{Month, days(1969, 12, 31), "month=1969-12"},
		{Month, days(1, 1, 31), "month=0001-01"},
		{Month, days(1, 2, 1), "month=0001-02"},
		{Day, days(9999, 12, 31), "day=9999-12-31"},
		{Whole, days(2026, 11, 20), "."},
	} {
		p := c.width.Of(c.day)
		if got := c.width.Folder(p); got != c.folder {
			t.Errorf("day %d is in %s, want %s", c.day, got, c.folder)
		}
		if w, back, err := ParseFolder(c.folder); err != nil || w != c.width || back != p {
			t.Errorf("%s is read as %s of %d, want %s of %d: %v", c.folder, w, back, c.width, p, err)
		}
		if p < None {
			t.Errorf("%s sorts before the rows without a day", c.folder)
		}
	}
	for width, folder := range map[Width]string{Month: "month=0001-01", Day: "day=0001-01-01", Whole: "."} {
		if got := width.Folder(None); got != folder {
			t.Errorf("rows without a day are in %s, want %s", got, folder)
		}
		if w, back, err := ParseFolder(folder); err != nil || w != width || back != None {
			t.Errorf("%s is read as %s of %d: %v", folder, w, back, err)
		}
		if width.Of(int32(None)) != None {
			t.Errorf("the %s of 0001-01-01 is %d", width, width.Of(int32(None)))
		}
	}
	for _, folder := range []string{"", "month", "month=", "month=2026-13", "month=2026-11-20", "year=2026", "month=__HIVE_DEFAULT_PARTITION__"} {
		if w, p, err := ParseFolder(folder); err == nil {
			t.Errorf("%q is read as %s of %d", folder, w, p)
		}
	}
}

// The file of a table without rows has all of its columns, for this package's own
// readers and for others, and always the same bytes.
func TestEmptyFile(t *testing.T) {
	var sums []string
	for range 2 {
		path := filepath.Join(t.TempDir(), "month=2026-11", "data.parquet")
		result, err := WriteEmpty(path, benchTable)
		if err != nil {
			t.Fatal(err)
		}
		sums = append(sums, result.SHA256)
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		other, err := parquet.OpenFile(f, result.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		fields := other.Schema().Fields()
		if other.NumRows() != 0 || len(fields) != benchTable.Arrow.NumFields() {
			t.Errorf("another reader sees %d rows of %d columns", other.NumRows(), len(fields))
		}
		for i, field := range fields {
			if want := benchTable.Arrow.Field(i); field.Name() != want.Name || field.Required() == want.Nullable {
				t.Errorf("column %d is %s, required %t; want %s", i, field.Name(), field.Required(), want)
			}
		}
		r, err := parquetfile.Open(path, benchTable.Arrow.Fields(), 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Read(); err != io.EOF {
			t.Errorf("our own reader finds a row: %v", err)
		}
		r.Close()
	}
	if sums[0] != sums[1] {
		t.Errorf("the bytes differ: %v", sums)
	}
}
