package operate

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"nightjar/cmd/etl/internal/warehouse"
	"nightjar/load"
	"nightjar/load/database"
	"nightjar/load/generation"
	"nightjar/load/partition"
)

// Verified is what Verify looked at.
type Verified struct {
	Generation int      `json:"generation"`
	Files      int      `json:"files"`
	Tables     int      `json:"tables"`
	Rows       int64    `json:"rows"`
	Problems   []string `json:"problems,omitempty"`
}

// Verify recomputes every hash and count of the live generation, and compares all the
// rows of Parquet, database and manifest, and the files of keys with the rows.
func Verify(ctx context.Context, site *warehouse.Site) (*Verified, error) {
	g, err := site.Current()
	if err != nil {
		return nil, err
	}
	v := &Verified{Generation: g.Manifest.Generation}
	problems, files, err := g.CheckFiles()
	if err != nil {
		return nil, err
	}
	v.Files, v.Problems = files, problems
	for _, t := range warehouse.Tables() {
		v.Problems = append(v.Problems, verifyKeys(g, t)...)
	}
	db, err := database.OpenReadOnly(ctx, g.Database(), site.Limits(""))
	if err != nil {
		v.Problems = append(v.Problems, err.Error())
		return v, nil
	}
	defer db.Close()
	for _, t := range append(warehouse.Tables(), martTables()...) {
		n, problem := verifyTable(ctx, db, g, t)
		v.Tables++
		v.Rows += n
		if problem != nil {
			v.Problems = append(v.Problems, problem.Error())
		}
	}
	return v, nil
}

// verifyKeys compares the files of keys with the rows that stand beside them.
func verifyKeys(g *generation.Generation, t load.Table) (problems []string) {
	partitions := g.Manifest.Tables[t.Full()].Partitions
	for _, folder := range slices.Sorted(maps.Keys(partitions)) {
		f := partitions[folder]
		if f.Rows == 0 {
			continue
		}
		if f.Keys == nil {
			problems = append(problems, fmt.Sprintf("%s has no file of its keys; the next run makes it", f.Path))
			continue
		}
		width, at, err := partition.ParseFolder(folder)
		if err == nil {
			err = partition.CheckKeys(t, width, at, partition.Files{Path: g.Path(f), Keys: g.Path(*f.Keys)})
		}
		if err != nil {
			problems = append(problems, err.Error())
		}
	}
	return problems
}

func martTables() []load.Table {
	var all []load.Table
	for _, m := range warehouse.Marts() {
		all = append(all, m.Table)
	}
	return all
}

// verifyTable compares a table's rows in the database with those in its Parquet.
func verifyTable(ctx context.Context, db *database.DB, g *generation.Generation, t load.Table) (int64, error) {
	entry := g.Manifest.Tables[t.Full()]
	var paths []string
	for _, folder := range slices.Sorted(maps.Keys(entry.Partitions)) {
		paths = append(paths, g.Path(entry.Partitions[folder]))
	}
	want := entry.Rows
	if f, ok := g.Manifest.Marts[t.Full()]; ok {
		paths, want = []string{g.Path(f)}, f.Rows
	}
	n, err := db.Compare(ctx, t, paths)
	if err != nil {
		return n, err
	}
	if n != want {
		return n, fmt.Errorf("table %s has %d rows, and the manifest says %d", t.Full(), n, want)
	}
	return n, nil
}

// CheckedLanding is what VerifyLanding has read.
type CheckedLanding struct {
	Runs     int      `json:"runs"`
	Pages    int      `json:"pages"`
	Bytes    int64    `json:"bytes"`               // of the pages as the vendors sent them
	SetAside []string `json:"set_aside,omitempty"` // what is damaged, and runs have gone on without
	Problems []string `json:"problems,omitempty"`
}

// VerifyLanding reads every landed page of every run against its hash, and every
// journal. It needs no live generation.
func VerifyLanding(ctx context.Context, site *warehouse.Site) (*CheckedLanding, error) {
	zone, err := site.Zone()
	if err != nil {
		return nil, err
	}
	c, err := zone.Check(ctx)
	if err != nil {
		return nil, err
	}
	v := &CheckedLanding{Runs: c.Runs, Pages: c.Pages, Bytes: c.Bytes, SetAside: c.SetAside}
	for _, p := range c.Problems {
		v.Problems = append(v.Problems, p.Error())
	}
	return v, nil
}
