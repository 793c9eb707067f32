package parquetfile

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"

	"nightjar/load"
	"nightjar/load/column"
)

func hashOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// numbersFile writes a file of the numbers, as one row group, and opens it.
func numbersFile(t *testing.T, field arrow.Field, options ...parquet.WriterProperty) *Source {
	t.Helper()
	path := filepath.Join(t.TempDir(), "numbers")
	w := numbersWriter(t, path, field, options...)
	if err := w.Write(threeNumbers()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := OpenSource(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func numbersWriter(t *testing.T, path string, field arrow.Field, options ...parquet.WriterProperty) *Writer {
	t.Helper()
	options = slices.Concat([]parquet.WriterProperty{parquet.WithCreatedBy(createdBy), parquet.WithDictionaryDefault(false)}, options)
	w, err := create(path, arrow.NewSchema([]arrow.Field{field}, nil), parquet.NewWriterProperties(options...))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func threeNumbers() oneColumn {
	numbers, values := column.NewNumbers[int32](memory.DefaultAllocator, 3)
	copy(values, []int32{7, 8, 9})
	return oneColumn{From: []arrow.Array{numbers}, Rows: []column.Pick{{Row: 0}, {Row: 1}, {Row: 2}}}
}

func numberField(name, id string, nullable bool) arrow.Field {
	return arrow.Field{Name: name, Type: arrow.PrimitiveTypes.Int32, Nullable: nullable, Metadata: arrow.MetadataFrom(map[string]string{"PARQUET:field_id": id})}
}

// A row group that would not be encoded as it is, is not copied, and nothing is written:
// the file goes on without it.
func TestAnotherLayoutIsNotCopied(t *testing.T) {
	field := numberField("v", "1", true)
	for name, from := range map[string]*Source{
		"name":       numbersFile(t, numberField("w", "1", true)),
		"field id":   numbersFile(t, numberField("v", "2", true)),
		"nulls":      numbersFile(t, numberField("v", "1", false)),
		"program":    numbersFile(t, field, parquet.WithCreatedBy("another")),
		"version":    numbersFile(t, field, parquet.WithVersion(parquet.V1_0)),
		"codec":      numbersFile(t, field, parquet.WithCompression(compress.Codecs.Snappy)),
		"encoding":   numbersFile(t, field, parquet.WithEncoding(parquet.Encodings.DeltaBinaryPacked)),
		"dictionary": numbersFile(t, field, parquet.WithDictionaryDefault(true)),
	} {
		path := filepath.Join(t.TempDir(), "copy")
		w := numbersWriter(t, path, field)
		if err := w.Copy(from, 0); !errors.Is(err, ErrLayout) {
			t.Errorf("another %s: %v, want %v", name, err, ErrLayout)
		}
		if err := w.Write(threeNumbers()); err != nil {
			t.Fatal(err)
		}
		got, err := w.Close()
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(numbersFile(t, field).path)
		if err != nil {
			t.Fatal(err)
		}
		if got.SHA256 != hashOf(want) {
			t.Errorf("another %s is not copied, and leaves something behind", name)
		}
	}
	w := numbersWriter(t, filepath.Join(t.TempDir(), "copy"), field, parquet.WithMaxRowGroupLength(2))
	defer w.Abandon()
	if err := w.Copy(numbersFile(t, field), 0); !errors.Is(err, ErrLayout) {
		t.Errorf("a row group that is too long: %v, want %v", err, ErrLayout)
	}
}

// A file that ends too early is an error, and so is what is no Parquet.
func TestWhatCannotBeCopied(t *testing.T) {
	field := numberField("v", "1", true)
	short := numbersFile(t, field)
	if err := os.Truncate(short.path, 20); err != nil {
		t.Fatal(err)
	}
	w := numbersWriter(t, filepath.Join(t.TempDir(), "copy"), field)
	if err := w.Copy(short, 0); err == nil || errors.Is(err, ErrLayout) {
		t.Errorf("a row group that is cut off: %v", err)
	}
	if err := w.Abandon(); err != nil {
		t.Error(err)
	}
	if _, err := OpenSource(short.path); err == nil {
		t.Error("a file that is cut off is opened")
	}
}

// The row group under way ends where one is copied, and readers get them one by one
// however many rows they ask for.
func TestCopyEndsTheGroupUnderWay(t *testing.T) {
	field, path := numberField("v", "1", true), filepath.Join(t.TempDir(), "copy")
	w := numbersWriter(t, path, field)
	for _, do := range []func() error{
		w.EndGroup, // of nothing
		func() error { return w.Write(threeNumbers()) },
		func() error { return w.Copy(numbersFile(t, field), 0) },
		func() error { return w.Write(threeNumbers()) },
	} {
		if err := do(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := Open(path, []arrow.Field{field}, 5)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for range 3 {
		rec, err := r.Read()
		if err != nil {
			t.Fatal(err)
		}
		if rec.NumRows() != 3 || rec.Column(0).ValueStr(2) != "9" {
			t.Errorf("a row group is %v", rec)
		}
		rec.Release()
	}
	if _, err := r.Read(); err != io.EOF {
		t.Errorf("after three row groups comes %v", err)
	}
}

// faulty is rows of which one column ends the goroutine that asks for it.
type faulty struct{ someRows }

func (f faulty) Column(c int) Column {
	if c == 4 {
		panic("at sea")
	}
	return f.someRows.Column(c)
}

// A fault in one column is the error of the write, and the file can be abandoned, with
// all its memory.
func TestAFaultInAColumn(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	e, path := newEverything(t), filepath.Join(t.TempDir(), "faulty")
	w, err := Create(path, e.Table, mem)
	if err != nil {
		t.Fatal(err)
	}
	rows := someRows{e, []int32{0, 1, 2, 3, 4}}
	if err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	var fault *load.PanicError
	if err := w.Write(faulty{rows}); !errors.As(err, &fault) {
		t.Errorf("a fault became %v", err)
	}
	if err := w.Abandon(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the file is there: %v", err)
	}
}
