package partition

import (
	"fmt"
	"maps"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"nightjar/load"
	"nightjar/load/column"
)

// carry puts the versions of moved keys that stand elsewhere where their keys end,
// as cursors beside the staged rows: a value that was not asked for is that of the
// version before, wherever that stood. Where every page was asked for everything,
// nothing is carried. They are counted where they stand.
func (m *merge) carry() ([]*cursor, error) {
	if m.unasked == nil || len(m.plan.Moved) == 0 {
		return nil, nil
	}
	known, came := m.stage.beside("known"), m.stage.beside("came")
	m.carried = []*Stage{known, came}
	if err := m.carryKnown(&carrier{to: known, from: m.stage}); err != nil {
		return nil, fmt.Errorf("carry rows of keys that moved: %w", err)
	}
	if err := m.carryCame(&carrier{to: came, from: m.stage}); err != nil {
		return nil, fmt.Errorf("carry rows of keys that moved: %w", err)
	}
	first, err := known.cursors()
	if err != nil {
		return nil, err
	}
	second, err := came.cursors()
	if err != nil {
		closeAll(first)
		return nil, err
	}
	for _, c := range first {
		c.carried, c.old, c.rank = true, true, 0
	}
	for _, c := range second {
		c.carried, c.unasked, c.rank = true, m.unasked, 1 // the day too: it is of another slot
	}
	return append(first, second...), nil
}

// beside is an empty stage of the same table, with scratch files of its own.
func (s *Stage) beside(name string) *Stage {
	table := s.table
	table.Name += "." + name
	o := &Stage{table: table, layout: s.layout, pool: s.pool, dir: s.dir, mem: s.mem, tables: s.tables, slots: map[slot]struct{}{}}
	o.keys = newKeyLog(o.Scratch("keys"))
	return o
}

// carryKnown carries the rows of old files.
func (m *merge) carryKnown(carrier *carrier) error {
	for _, p := range slices.Sorted(maps.Keys(m.leaving)) {
		if err := m.carryOld(p, carrier); err != nil {
			return err
		}
	}
	return carrier.flush()
}

// carryOld carries the rows of an old file, of which it reads the row groups that they
// stand in.
func (m *merge) carryOld(p Partition, carrier *carrier) error {
	old, err := m.openOld(p)
	if err != nil {
		return err
	}
	defer old.close()
	leaving := m.leaving[p]
	for i, g := range old.groups {
		n := 0
		for n < len(leaving) && upTo(leaving[n], boundOf(g.Last)) {
			n++
		}
		if leaving = leaving[n:]; n == 0 {
			continue
		}
		c, err := old.cursor(i)
		if err != nil {
			return err
		}
		if err := c.each(func(b *batch) error { return m.carryBatch(b, carrier) }); err != nil {
			return err
		}
	}
	return nil
}

// carryCame carries staged rows.
func (m *merge) carryCame(carrier *carrier) error {
	if err := m.stage.eachBatch(func(b *batch) error { return m.carryBatch(b, carrier) }); err != nil {
		return err
	}
	return carrier.flush()
}

// carryBatch carries the rows of b whose key ends in another slot.
func (m *merge) carryBatch(b *batch, carrier *carrier) error {
	for i := range b.rows() {
		moved, ok := m.plan.Moved[b.keys.Value(i)]
		if !ok || moved.to == b.slots[i] || moved.to == nowhere {
			continue
		}
		if err := carrier.add(b, i, moved.to); err != nil {
			return err
		}
	}
	return nil
}

// carrier stages rows in other slots than they stand in.
type carrier struct {
	from, to *Stage
	rows     picker
	slots    []slot
}

func (c *carrier) add(b *batch, row int, to slot) error {
	c.rows.add(b, row)
	if c.slots = append(c.slots, to); len(c.slots) == listRows {
		return c.flush()
	}
	return nil
}

func (c *carrier) flush() error {
	rows := c.rows.take()
	defer rows.release()
	rec := c.record(rows)
	defer rec.Release()
	c.slots = c.slots[:0]
	return c.to.add(rec)
}

// record is the rows as they once came, with the business day of their slot.
func (c *carrier) record(rows picks) arrow.Record {
	layout, mem := &c.from.layout, c.from.mem
	fields := append(c.from.tables.Fields(), arrow.Field{Name: load.BusinessDate, Type: arrow.FixedWidthTypes.Date32, Nullable: true})
	columns := make([]arrow.Array, len(fields))
	for i, f := range fields[:layout.last] {
		if i == layout.page {
			columns[i] = rows.pages(mem)
		} else {
			columns[i] = column.Gather(mem, f.Type, rows.arrays(i), rows.rows)
		}
		defer columns[i].Release()
	}
	days := array.NewDate32Builder(mem)
	defer days.Release()
	for _, at := range c.slots {
		if at == slot(None) {
			days.AppendNull()
		} else {
			days.Append(arrow.Date32(at))
		}
	}
	columns[layout.last] = days.NewArray()
	defer columns[layout.last].Release()
	return array.NewRecord(arrow.NewSchema(fields, nil), columns, int64(len(rows.rows)))
}
