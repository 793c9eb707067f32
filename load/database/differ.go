package database

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"nightjar/load"
)

// Difference is a value of a mart that is not what its query gives.
type Difference struct {
	Mart       string   `json:"mart"`       // "schema.name"
	Where      string   `json:"where"`      // database or parquet
	Grain      []string `json:"grain"`      // values of the columns that identify the row; NULL for none
	Column     string   `json:"column"`     // empty: the row is on one side alone
	Published  string   `json:"published"`  // NULL for none; where the row is on one side, whether it is there
	Recomputed string   `json:"recomputed"` // likewise
}

// String says the difference in one line.
func (d Difference) String() string {
	row := fmt.Sprintf("%s in the %s: %s", d.Mart, d.Where, strings.Join(d.Grain, ", "))
	if d.Column == "" {
		return fmt.Sprintf("%s: the row is %s, and %s in what the tables give", row, d.Published, d.Recomputed)
	}
	return fmt.Sprintf("%s: %s is %s, and the tables give %s", row, d.Column, d.Published, d.Recomputed)
}

// mostRows is how many rows of a mart are told of.
const mostRows = 5

// Recompute computes a mart whole, of the tables as they are, and compares it with what
// the database and the Parquet hold of it. It returns the differences in the first few
// rows that differ, and how many rows do.
func (d *DB) Recompute(ctx context.Context, m load.Mart, file string) (some []Difference, rows int64, err error) {
	if err := d.Exec(ctx, fmt.Sprintf("CREATE TEMP TABLE %s AS %s", Ident(m.Name), m.Query)); err != nil {
		return nil, 0, fmt.Errorf("compute mart %s: %w", m.Name, err)
	}
	for _, side := range []struct{ where, from string }{
		{"database", Name(m.Table)}, {"parquet", fmt.Sprintf("read_parquet(%s, hive_partitioning = false)", Files([]string{file}))},
	} {
		found, n, err := d.differences(ctx, m, side.where, side.from)
		if err != nil {
			return nil, 0, fmt.Errorf("compare mart %s: %w", m.Name, err)
		}
		some, rows = append(some, found...), rows+n
	}
	return some, rows, d.Exec(ctx, "DROP TABLE "+fresh(m))
}

// differences pairs the rows of both sides by the grain, and those of one grain by
// their number: a grain that comes twice has one row on one side alone.
func (d *DB) differences(ctx context.Context, m load.Mart, where, from string) (some []Difference, total int64, err error) {
	fields := m.Arrow.Fields()
	grain := list(m.Key, ", ", Ident)
	numbered := func(from string) string {
		return fmt.Sprintf("(SELECT %s, row_number() OVER (PARTITION BY %s ORDER BY %s) AS _row FROM %s)", columnList(m.Table), grain, columnList(m.Table), from)
	}
	column := func(f arrow.Field) string {
		return fmt.Sprintf("p.%s::VARCHAR, n.%s::VARCHAR", Ident(f.Name), Ident(f.Name))
	}
	same := func(k string) string { return fmt.Sprintf("p.%s IS NOT DISTINCT FROM n.%s", Ident(k), Ident(k)) }
	differs := func(f arrow.Field) string { return "NOT " + same(f.Name) }
	rows, err := d.Query(ctx, fmt.Sprintf(`SELECT count(*) OVER (), p._row IS NOT NULL, n._row IS NOT NULL, %s FROM %s AS p FULL JOIN %s AS n ON p._row = n._row AND %s
		WHERE p._row IS NULL OR n._row IS NULL OR %s ORDER BY ALL LIMIT %d`, list(fields, ", ", column),
		numbered(from), numbered(fresh(m)), list(m.Key, " AND ", same), list(fields, " OR ", differs), mostRows))
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		values := make([]sql.NullString, 2*len(fields))
		var there [2]bool
		into := []any{&total, &there[0], &there[1]}
		for i := range values {
			into = append(into, &values[i])
		}
		if err := rows.Scan(into...); err != nil {
			return nil, 0, err
		}
		some = append(some, told(m, where, there, values)...)
	}
	return some, total, rows.Err()
}

// told are the differences of one row, whose values come in pairs: as published, and as
// recomputed.
func told(m load.Mart, where string, there [2]bool, values []sql.NullString) []Difference {
	text := func(v sql.NullString) string {
		if !v.Valid {
			return "NULL"
		}
		return v.String
	}
	row := Difference{Mart: m.Full(), Where: where}
	side := 0 // that has the row
	if !there[0] {
		side = 1
	}
	for _, k := range m.Key {
		i := slices.IndexFunc(m.Arrow.Fields(), func(f arrow.Field) bool { return f.Name == k })
		row.Grain = append(row.Grain, text(values[2*i+side]))
	}
	if !there[0] || !there[1] {
		is := map[bool]string{true: "there", false: "missing"}
		row.Published, row.Recomputed = is[there[0]], is[there[1]]
		return []Difference{row}
	}
	var all []Difference
	for i, f := range m.Arrow.Fields() {
		if p, n := values[2*i], values[2*i+1]; p != n {
			row.Column, row.Published, row.Recomputed = f.Name, text(p), text(n)
			all = append(all, row)
		}
	}
	return all
}
