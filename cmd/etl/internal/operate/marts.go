package operate

import (
	"context"
	"fmt"

	"nightjar/cmd/etl/internal/warehouse"
	"nightjar/load/database"
)

// CheckedMarts is what VerifyMarts has computed.
type CheckedMarts struct {
	Generation  int                   `json:"generation"`
	Marts       int                   `json:"marts"`
	Rows        int64                 `json:"rows"`
	Differences []database.Difference `json:"differences,omitempty"` // of the first rows of each mart that differ
	Skipped     []string              `json:"skipped,omitempty"`     // marts that another version of the program made
	Problems    []string              `json:"problems,omitempty"`
}

// VerifyMarts computes every mart of the live generation whole, of the tables that it
// has, and compares it with what is published of it. A mart that another version of
// the program made is left out.
func VerifyMarts(ctx context.Context, site *warehouse.Site) (*CheckedMarts, error) {
	g, err := site.Current()
	if err != nil {
		return nil, err
	}
	v := &CheckedMarts{Generation: g.Manifest.Generation}
	db, err := database.OpenReadOnly(ctx, g.Database(), site.Limits(""))
	if err != nil {
		v.Problems = append(v.Problems, err.Error())
		return v, nil
	}
	defer db.Close()
	for _, mart := range warehouse.Marts() {
		f := g.Manifest.Marts[mart.Full()]
		if g.Manifest.MadeBy[mart.Full()] != warehouse.MadeBy(mart) {
			v.Skipped = append(v.Skipped, mart.Full())
			continue
		}
		some, differ, err := db.Recompute(ctx, mart, g.Path(f))
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil:
			v.Problems = append(v.Problems, err.Error())
		case differ > 0:
			v.Problems = append(v.Problems, fmt.Sprintf("%s: %d rows are not what the tables give", mart.Full(), differ))
		}
		v.Marts++
		v.Rows += f.Rows
		v.Differences = append(v.Differences, some...)
	}
	return v, nil
}
