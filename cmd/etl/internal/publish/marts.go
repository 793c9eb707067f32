package publish

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"nightjar/cmd/etl/internal/summary"
	"nightjar/cmd/etl/internal/warehouse"
	"nightjar/load"
	"nightjar/load/database"
	"nightjar/load/generation"
	"nightjar/transform"
)

// computeMarts brings the marts up to date, in the database and beside it. Where the
// database is a copy of the last one, only what the changes can have touched is
// computed.
func (p *Publisher) computeMarts(ctx context.Context, db *database.DB, changes []merged, updated bool) ([]database.Made, error) {
	var final finality
	if updated {
		if err := p.dropMarts(ctx, db); err != nil {
			return nil, err
		}
		var err error
		if final, err = readFinality(ctx, db, changes); err != nil {
			return nil, err
		}
	}
	var all []database.Work
	for _, mart := range warehouse.Marts() {
		w := database.Work{Mart: mart, Path: p.Build.Path(generation.MartPath(mart.Schema, mart.Name))}
		if updated {
			days, err := p.touched(ctx, db, mart, changes, final)
			if err != nil {
				return nil, fmt.Errorf("mart %s: %w", mart.Name, err)
			}
			w.Days, w.Keep = days, p.liveMart(mart).Path != ""
		}
		all = append(all, w)
	}
	return db.Compute(ctx, all)
}

// dropMarts drops those of the last database that there are no more.
func (p *Publisher) dropMarts(ctx context.Context, db *database.DB) error {
	marts := warehouse.Marts()
	for name := range p.Live.Manifest.Marts {
		if slices.ContainsFunc(marts, func(mart load.Mart) bool { return mart.Full() == name }) {
			continue
		}
		schema, table, _ := strings.Cut(name, ".")
		if err := db.Exec(ctx, "DROP TABLE IF EXISTS "+database.Name(load.Table{Schema: schema, Name: table})); err != nil {
			return fmt.Errorf("drop %s: %w", name, err)
		}
	}
	return nil
}

// touched are the days of a mart that the changes can have touched; nil where these are
// any: it is not made as the last one was, or where its surveys are asked has changed,
// or nothing cuts it.
func (p *Publisher) touched(ctx context.Context, db *database.DB, mart load.Mart, changes []merged, final finality) (*database.Days, error) {
	if p.Live.Manifest.MadeBy[mart.Full()] != warehouse.MadeBy(mart) {
		return nil, nil
	}
	var days database.Days
	for _, c := range changes {
		if !slices.Contains(mart.Reads, c.table.Full()) || len(c.files()) == 0 {
			continue
		}
		if mart.Cut == "" || c.gone() && c.table.Full() == transform.FinalDays().Full() {
			return nil, nil
		}
		switch c.table.Full() {
		case transform.FinalDays().Full():
			days.AddBetween(final.was[mart.Final], final.is[mart.Final])
		case transform.SurveyChannels().Full():
			return nil, nil
		default:
			if err := db.AddDays(ctx, &days, c.table, c.files(), mart.Cut); err != nil {
				return nil, err
			}
		}
	}
	return &days, nil
}

// files are those of the rows that are new or changed, and of those that have left. A
// table that had no rows has them in its new partitions.
func (c merged) files() []string {
	if c.gone() {
		var files []string
		for _, part := range c.outcome.Partitions {
			if part.Path != "" {
				files = append(files, part.Path)
			}
		}
		return files
	}
	return slices.DeleteFunc([]string{c.delta, c.left}, func(file string) bool { return file == "" })
}

// finality is how far each kind of record was final, and is; the zero time is nowhere.
type finality struct{ was, is map[string]time.Time }

// readFinality reads it of what has changed in etl.final_through.
func readFinality(ctx context.Context, db *database.DB, changes []merged) (f finality, err error) {
	i := slices.IndexFunc(changes, func(c merged) bool { return c.table.Full() == transform.FinalDays().Full() })
	if i < 0 {
		return f, nil
	}
	if f.was, err = lastDays(ctx, db, changes[i].left); err == nil {
		f.is, err = lastDays(ctx, db, changes[i].delta)
	}
	return f, err
}

// lastDays reads the last final day of each kind of record from a file of
// etl.final_through.
func lastDays(ctx context.Context, db *database.DB, file string) (map[string]time.Time, error) {
	if file == "" {
		return nil, nil
	}
	rows, err := db.Query(ctx, fmt.Sprintf("SELECT records, last_day FROM read_parquet(%s, hive_partitioning = false) WHERE last_day IS NOT NULL",
		database.Files([]string{file})))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	days := map[string]time.Time{}
	for rows.Next() {
		var records string
		var day time.Time
		if err := rows.Scan(&records, &day); err != nil {
			return nil, err
		}
		days[records] = day
	}
	return days, rows.Err()
}

// liveMart is the file of a mart in the parent; the zero File where it has none, or one
// that is not what was published.
func (p *Publisher) liveMart(mart load.Mart) generation.File {
	if p.Live == nil {
		return generation.File{}
	}
	old, ok := p.Live.Manifest.Marts[mart.Full()]
	if ok && !p.Live.Untouched(old) {
		p.Found("%s of generation %d is not what was published; it is made anew", old.Path, p.Live.Manifest.Generation)
		return generation.File{}
	}
	return old
}

// sumMarts describes the marts' files. One of which no row has changed, or that came
// out as it was, is the parent's file again.
func (p *Publisher) sumMarts(m *generation.Manifest, made []database.Made) error {
	m.MadeBy = map[string]string{}
	for i, mart := range warehouse.Marts() {
		old := p.liveMart(mart)
		f := old
		if made[i].Kept {
			if err := p.Build.Keep(old); err != nil {
				return err
			}
		} else {
			var err error
			if f, err = p.Build.Sum(generation.MartPath(mart.Schema, mart.Name), made[i].Rows); err != nil {
				return err
			}
			if err := p.shareSame(f, old); err != nil {
				return err
			}
		}
		if f.Rows != made[i].Rows {
			return fmt.Errorf("mart %s has %d rows in the database and %d in its Parquet: nothing is published", mart.Full(), made[i].Rows, f.Rows)
		}
		m.Marts[mart.Full()], m.MadeBy[mart.Full()] = f, warehouse.MadeBy(mart)
		p.Summary.Marts = append(p.Summary.Marts, summary.Mart{Name: mart.Name, Rows: f.Rows})
	}
	return nil
}
