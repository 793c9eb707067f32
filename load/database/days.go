package database

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"nightjar/load"
)

// Days is a set of days, which may hold the missing one too. The zero value is empty.
type Days struct {
	spans []span // ascending, apart from each other
	null  bool
}

// span is the days from one to another, both of them in it, in days since 1970-01-01.
type span struct{ from, to int64 }

// eternity is before every day, and after it.
const eternity = 1 << 24

// Empty reports whether no day is in the set.
func (d *Days) Empty() bool { return len(d.spans) == 0 && !d.null }

// AddBetween adds the days after one, up to another one. The zero time, of either, is
// before all days; their order does not matter.
func (d *Days) AddBetween(one, other time.Time) {
	numbers := []int64{number(one), number(other)}
	slices.Sort(numbers)
	if numbers[0] < numbers[1] {
		d.spans = merged(append(d.spans, span{numbers[0] + 1, numbers[1]}))
	}
}

func number(day time.Time) int64 {
	if day.IsZero() {
		return -eternity
	}
	return day.Unix() / 86400
}

// merged sorts spans and joins those that touch.
func merged(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int { return int(a.from - b.from) })
	var apart []span
	for _, s := range spans {
		if n := len(apart); n > 0 && s.from <= apart[n-1].to+1 {
			apart[n-1].to = max(apart[n-1].to, s.to)
			continue
		}
		apart = append(apart, s)
	}
	return apart
}

// AddDays adds to days those that a date column has in Parquet files, the missing one
// too.
func (d *DB) AddDays(ctx context.Context, days *Days, t load.Table, files []string, column string) error {
	if len(files) == 0 {
		return nil
	}
	from, err := d.rows(ctx, t, files)
	if err != nil {
		return err
	}
	rows, err := d.Query(ctx, fmt.Sprintf("SELECT DISTINCT %s - DATE '1970-01-01' FROM %s", Ident(column), from))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var day sql.NullInt64
		if err := rows.Scan(&day); err != nil {
			return err
		}
		if !day.Valid {
			days.null = true
			continue
		}
		days.spans = append(days.spans, span{day.Int64, day.Int64})
	}
	days.spans = merged(days.spans)
	return rows.Err()
}

// known is the condition that a date is one of the set; empty where no date is. The
// outermost bounds come first, by which DuckDB passes over what it need not read.
func (d *Days) known(column string) string {
	if len(d.spans) == 0 {
		return ""
	}
	whole := span{d.spans[0].from, d.spans[len(d.spans)-1].to}.holds(column)
	if len(d.spans) == 1 {
		return whole
	}
	return whole + " AND (" + list(d.spans, " OR ", func(s span) string { return s.holds(column) }) + ")"
}

func (s span) holds(column string) string {
	day := func(n int64) string { return "DATE " + Text(time.Unix(n*86400, 0).UTC().Format(time.DateOnly)) }
	if s.from == s.to {
		return Ident(column) + " = " + day(s.from)
	}
	to := Ident(column) + " <= " + day(s.to)
	if s.from <= -eternity+1 {
		return to
	}
	return Ident(column) + " >= " + day(s.from) + " AND " + to
}

// conditions are those of which a row of the set meets one, and no other row does.
func (d *Days) conditions(column string) []string {
	var all []string
	if known := d.known(column); known != "" {
		all = append(all, "("+known+")")
	}
	if d.null {
		all = append(all, Ident(column)+" IS NULL")
	}
	return all
}

// holds is the condition that a date is in the set.
func (d *Days) holds(column string) string {
	return "(" + strings.Join(d.conditions(column), " OR ") + ")"
}
