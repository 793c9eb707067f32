package partition

import (
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"nightjar/load"
	"nightjar/load/column"
)

// layout is where the columns that matter to a merge stand in a record.
type layout struct {
	width   Width
	key     []int
	page    int           // -1: the table has no versions, for want of a page or because the key has it
	day     int           // -1: rows are sorted by key alone, see load.Table.Day
	last    int           // the business date of an incoming record, the slot of a staged one
	nested  bool          // the key begins with a parent
	cuts    cuts          // of row groups
	compare []int         // the columns that are content: all but _extracted_at and _page
	staged  *arrow.Schema // of runs
}

// dayColumn is the column that tells the slot of a row, if any.
func (l *layout) dayColumn() columnSet {
	if l.day < 0 {
		return 0
	}
	return columnOf(l.day)
}

// stagedSchema is the schema of the runs of a table.
func stagedSchema(table *arrow.Schema, page int) *arrow.Schema {
	fields := append(table.Fields(), arrow.Field{Name: "_slot", Type: arrow.PrimitiveTypes.Int32})
	if page >= 0 {
		fields[page].Type = arrow.PrimitiveTypes.Int32
	}
	return arrow.NewSchema(fields, nil)
}

// newLayout looks at the columns of a table.
func newLayout(t load.Table, w Width) (*layout, error) {
	l := &layout{width: w, page: -1, day: -1, last: t.Arrow.NumFields(), nested: t.Parent != "", cuts: usualCuts}
	for _, k := range t.Key {
		l.key = append(l.key, t.Arrow.FieldIndices(k)...)
	}
	if len(l.key) != len(t.Key) || len(l.key) == 0 {
		return nil, fmt.Errorf("table %s: key %v is not among its columns", t.Full(), t.Key)
	}
	if n := t.Arrow.NumFields(); n > mostColumns {
		return nil, fmt.Errorf("table %s has %d columns; at most %d are supported", t.Full(), n, mostColumns)
	}
	for i, f := range t.Arrow.Fields() {
		if !column.Supported(f.Type) {
			return nil, fmt.Errorf("table %s: column %s has the unsupported type %s", t.Full(), f.Name, f.Type)
		}
		if f.Name == t.Day {
			if l.day = i; f.Type.ID() != arrow.DATE32 || !f.Nullable {
				return nil, fmt.Errorf("table %s: column %s is no day that may be null", t.Full(), f.Name)
			}
		}
		switch f.Name {
		case load.Page:
			if !slices.Contains(l.key, i) {
				l.page = i
			}
		case load.ExtractedAt:
		default:
			l.compare = append(l.compare, i)
		}
	}
	if t.Day != "" && l.day < 0 {
		return nil, fmt.Errorf("table %s: day %s is not among its columns", t.Full(), t.Day)
	}
	l.staged = stagedSchema(t.Arrow, l.page)
	return l, nil
}
