package database

import (
	"context"
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"nightjar/load"
)

// Compare counts the rows of a table and checks that the Parquet files hold the
// very same rows. It returns the number of rows in the database. Of a table of an
// earlier version, what that version had of it is compared.
func (d *DB) Compare(ctx context.Context, t load.Table, files []string) (int64, error) {
	there, here, err := d.shared(ctx, t, files)
	if err != nil {
		return 0, fmt.Errorf("compare table %s: %w", t.Full(), err)
	}
	if here.Arrow.NumFields() == 0 {
		return 0, nil
	}
	have, err := d.digest(ctx, here, Name(t))
	if err != nil {
		return 0, fmt.Errorf("read table %s: %w", t.Full(), err)
	}
	want := digest{sum: "0"}
	if len(files) > 0 {
		rows, err := d.rows(ctx, there, files)
		if err == nil {
			want, err = d.digest(ctx, there, rows)
		}
		if err != nil {
			return have.rows, fmt.Errorf("read the Parquet of table %s: %w", t.Full(), err)
		}
	}
	if have != want {
		return have.rows, fmt.Errorf("table %s: the database has %d rows and the Parquet %d, or their content differs", t.Full(), have.rows, want.rows)
	}
	return have.rows, nil
}

// shared is the table with the columns that the files, or the database, have: there
// by today's names, here by those of the database. What neither has is of a later
// version than they are.
func (d *DB) shared(ctx context.Context, t load.Table, files []string) (there, here load.Table, err error) {
	if !identified(t) {
		return t, t, nil
	}
	all, err := d.columns(ctx)
	if err != nil {
		return t, t, err
	}
	var s stored
	if len(files) > 0 {
		if s, err = d.stored(ctx, files); err != nil {
			return t, t, err
		}
	}
	var inFiles, inDatabase []arrow.Field
	for _, f := range t.Arrow.Fields() {
		name := s.nameIn(all[t.Full()], f)
		switch {
		case name != "":
			inFiles = append(inFiles, f)
			f.Name = name
			inDatabase = append(inDatabase, f)
		case len(s.as(f)) > 0:
			return t, t, fmt.Errorf("the database lacks column %s, which the Parquet has", f.Name)
		}
	}
	there, here = t, t
	there.Arrow, here.Arrow = arrow.NewSchema(inFiles, nil), arrow.NewSchema(inDatabase, nil)
	return there, here, nil
}

// nameIn is the name of the column in a database that was made of the files: today's,
// unless it was another column's then, or the one that a file has it by. Empty is
// none.
func (s stored) nameIn(database []column, f arrow.Field) string {
	names := []string{f.Name}
	as := s.as(f)
	if len(as) == 0 && slices.ContainsFunc(s.columns, func(c storedColumn) bool { return c.name == f.Name }) {
		return ""
	}
	for _, c := range as {
		names = append(names, c.name)
	}
	for _, name := range names {
		if slices.ContainsFunc(database, func(c column) bool { return c.name == name }) {
			return name
		}
	}
	return ""
}

// digest is the number of rows and a sum that does not depend on their order.
type digest struct {
	rows int64
	sum  string
}

func (d *DB) digest(ctx context.Context, t load.Table, from string) (digest, error) {
	var g digest
	err := d.Scalar(ctx, fmt.Sprintf("SELECT count(*), coalesce(sum(hash(%s)), 0)::VARCHAR FROM %s", columnList(t), from), &g.rows, &g.sum)
	return g, err
}
