package parquetfile

import (
	"bytes"
	"fmt"
	"slices"
)

// Rewrite appends a row group of another file in which some columns hold other values.
// These are encoded, as Write and EndGroup would have them, of all its rows, in as many
// lists as it takes; the others are copied as they are. It fails as Copy does.
func (w *Writer) Rewrite(from *Source, group int, columns []int, rows ...Rows) error {
	if err := w.out.rewrite(from, group, columns, rows); err != nil {
		return fmt.Errorf("write row group %d of %s to %s: %w", group, from.path, w.f.Name(), err)
	}
	return nil
}

func (e *encoder) rewrite(from *Source, group int, columns []int, lists []Rows) error {
	chunks, err := e.same(from, group)
	if err != nil {
		return err
	}
	if err := e.endGroup(); err != nil {
		return err
	}
	rows := int(from.Rows(group))
	err = e.each(func(l *leaf, c *chunk, number int) error {
		if !slices.Contains(columns, number) {
			return nil
		}
		for _, list := range lists {
			if err := c.write(l, list.Column(number)); err != nil {
				return err
			}
		}
		return c.finish(rows)
	})
	if err != nil {
		return err
	}
	for _, c := range columns {
		chunks[c] = finished{e.chunks[c].meta, bytes.NewReader(e.chunks[c].pages.data)}
	}
	return e.out.group(rows, len(chunks), func(c int) finished { return chunks[c] })
}
