package publish

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"nightjar/load"
	"nightjar/load/partition"
)

// row is one row by column name: every column of its table, nil for null, and its
// business date if it has one.
type row map[string]any

// stageRows adds rows to a stage as one record.
func stageRows(s *partition.Stage, t load.Table, rows []row) error {
	fields := append(t.Arrow.Fields(), arrow.Field{Name: load.BusinessDate, Type: arrow.FixedWidthTypes.Date32, Nullable: true})
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fields, nil))
	defer b.Release()
	for _, values := range rows {
		if err := appendRow(b, fields, values); err != nil {
			return fmt.Errorf("table %s: %w", t.Full(), err)
		}
	}
	rec := b.NewRecord()
	defer rec.Release()
	return s.Add(rec)
}

func appendRow(b *array.RecordBuilder, fields []arrow.Field, values row) error {
	for i, f := range fields {
		v, there := values[f.Name]
		if !there && f.Name != load.BusinessDate {
			return fmt.Errorf("a row lacks column %s", f.Name)
		}
		if err := appendValue(b.Field(i), f, v); err != nil {
			return fmt.Errorf("column %s: %w", f.Name, err)
		}
	}
	for name := range values {
		if !slices.ContainsFunc(fields, func(f arrow.Field) bool { return f.Name == name }) {
			return fmt.Errorf("a row has a column %s, and the table has none", name)
		}
	}
	return nil
}

// appendValue appends a value of the Go type that its column takes; nil and the zero
// time are null.
func appendValue(b array.Builder, f arrow.Field, v any) error {
	if at, ok := v.(time.Time); v == nil || ok && at.IsZero() {
		if !f.Nullable {
			return errors.New("it is null, and no row may be without it")
		}
		b.AppendNull()
		return nil
	}
	switch b := b.(type) {
	case *array.StringBuilder:
		if text, ok := v.(string); ok {
			b.Append(text)
			return nil
		}
	case *array.Int64Builder:
		if n, ok := v.(int64); ok {
			b.Append(n)
			return nil
		}
	case *array.Date32Builder:
		if day, ok := v.(arrow.Date32); ok {
			b.Append(day)
			return nil
		}
	case *array.TimestampBuilder:
		if at, ok := v.(time.Time); ok {
			b.Append(arrow.Timestamp(at.UnixMicro()))
			return nil
		}
	}
	return fmt.Errorf("a %T is no %s", v, f.Type)
}

// orNull is v, or null where it is zero or below by the table's meaning.
func orNull(v int64) any {
	if v < 0 {
		return nil
	}
	return v
}

func textOrNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}
