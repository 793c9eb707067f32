package operate

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"nightjar/cmd/etl/internal/warehouse"
	"nightjar/load"
	"nightjar/load/database"
)

// MartSample is the last rows of a mart, as text.
type MartSample struct {
	Name, Comment string
	Total         int64
	Columns       []string
	Rows          [][]string
}

// EachMart calls yield with up to n rows of each mart of the live generation,
// newest first.
func EachMart(ctx context.Context, site *warehouse.Site, n int, yield func(MartSample)) error {
	g, err := site.Current()
	if err != nil {
		return err
	}
	db, err := database.OpenReadOnly(ctx, g.Database(), site.Limits(""))
	if err != nil {
		return err
	}
	defer db.Close()
	for _, m := range warehouse.Marts() {
		sample, err := sampleMart(ctx, db, m, n)
		if err != nil {
			return fmt.Errorf("read mart %s: %w", m.Name, err)
		}
		yield(sample)
	}
	return nil
}

func sampleMart(ctx context.Context, db *database.DB, m load.Mart, n int) (MartSample, error) {
	s := MartSample{Name: m.Name, Comment: m.Comment}
	var err error
	if s.Total, err = db.Rows(ctx, m.Table); err != nil {
		return s, err
	}
	var cells []string
	for _, f := range m.Arrow.Fields() {
		s.Columns = append(s.Columns, f.Name)
		cell := database.Ident(f.Name)
		if database.Type(f.Type) == "DOUBLE" {
			cell = "round(" + cell + ", 2)"
		}
		cells = append(cells, "coalesce("+cell+"::VARCHAR, '')")
	}
	order := []string{database.Ident(m.Key[0]) + " DESC NULLS LAST"}
	for _, k := range m.Key[1:] {
		order = append(order, database.Ident(k)+" NULLS LAST")
	}
	rows, err := db.Query(ctx, fmt.Sprintf("SELECT %s FROM %s ORDER BY %s LIMIT %d",
		strings.Join(cells, ", "), database.Name(m.Table), strings.Join(order, ", "), n))
	if err != nil {
		return s, err
	}
	defer rows.Close()
	for rows.Next() {
		row, into := make([]sql.NullString, len(cells)), make([]any, len(cells))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			return s, err
		}
		texts := make([]string, len(row))
		for i, c := range row {
			texts[i] = c.String
		}
		s.Rows = append(s.Rows, texts)
	}
	return s, rows.Err()
}
