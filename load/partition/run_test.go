package partition

import (
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"nightjar/load/column"
)

// lateDisk takes every byte and says only when it is closed that they are lost.
type lateDisk struct{ closed int }

var errQuota = errors.New("disk quota exceeded")

func (*lateDisk) Write(p []byte) (int, error) { return len(p), nil }

func (d *lateDisk) Close() error {
	d.closed++
	return errQuota
}

func TestScratchRunThatCannotBeClosed(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	rec := record(mem, []version{{key: "a"}, {key: "b"}})
	defer rec.Release()
	disk := &lateDisk{}
	w := runWriterTo(disk, rec.Schema(), mem)
	if err := w.write(rec); err != nil {
		t.Fatal(err)
	}
	if err := w.close(); !errors.Is(err, errQuota) {
		t.Errorf("close says %v, want %v", err, errQuota)
	}
	w.release()
	if disk.closed != 1 {
		t.Errorf("the file is closed %d times", disk.closed)
	}
}

// Rows whose texts are more than a record may hold go to several records, all of
// them in their order; one row stays one row, however long.
func TestScratchRunOfLongTexts(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	texts := []string{"x", strings.Repeat("long", 50), strings.Repeat("é", 60), "", "y", strings.Repeat("z", 99), "1", "2"}
	versions := make([]version, len(texts))
	for i, text := range texts {
		versions[i] = version{key: string(rune('a' + i)), page: i, value: "v", tags: []string{"", text}}
	}
	s, err := NewStage(testTable, Month, t.TempDir(), NewPool(1<<30), mem)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	rec := record(mem, versions)
	defer rec.Release()
	b := s.layout.sorted(rec, &s.pool.pages, mem)
	defer b.rec.Release()
	path := filepath.Join(t.TempDir(), "run")
	w, err := newRunWriter(path, s.layout.staged, mem)
	if err != nil {
		t.Fatal(err)
	}
	defer w.release()
	w.most = 100
	for i := range b.rows() {
		if err := w.add(b, i); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.close(); err != nil {
		t.Fatal(err)
	}
	c, err := s.spilled(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	rows, records := 0, 0
	for ; ; records++ {
		got, err := c.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if all := (picks{batches: []*batch{got}, rows: picksOf(got)}); got.rows() > 1 && all.widest() > w.most {
			t.Errorf("a record of %d rows holds %d bytes of a column", got.rows(), all.widest())
		}
		for i := range got.rows() {
			expectRow(t, got, i, b, rows)
			rows++
		}
		got.rec.Release()
	}
	if rows != len(texts) || records < 3 {
		t.Errorf("%d rows in %d records", rows, records)
	}
}

// expectRow compares row i of got with row j of want.
func expectRow(t *testing.T, got *batch, i int, want *batch, j int) {
	t.Helper()
	for c := range got.rec.Columns() {
		if !column.Equal(got.rec.Column(c), i, want.rec.Column(c), j) {
			t.Errorf("row %d has another %s", j, got.rec.ColumnName(c))
		}
	}
}

func picksOf(b *batch) []column.Pick {
	rows := make([]column.Pick, b.rows())
	for i := range rows {
		rows[i].Row = int32(i)
	}
	return rows
}
