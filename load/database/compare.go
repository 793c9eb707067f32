package database

import (
	"context"
	"fmt"

	"nightjar/load"
)

// Compare counts the rows of a table and checks that the Parquet files hold the
// very same rows. It returns the number of rows in the database.
func (d *DB) Compare(ctx context.Context, t load.Table, files []string) (int64, error) {
	have, err := d.digest(ctx, t, Name(t))
	if err != nil {
		return 0, fmt.Errorf("read table %s: %w", t.Full(), err)
	}
	want := digest{sum: "0"}
	if len(files) > 0 {
		if want, err = d.digest(ctx, t, fmt.Sprintf("read_parquet(%s, hive_partitioning = false)", Files(files))); err != nil {
			return have.rows, fmt.Errorf("read the Parquet of table %s: %w", t.Full(), err)
		}
	}
	if have != want {
		return have.rows, fmt.Errorf("table %s: the database has %d rows and the Parquet %d, or their content differs", t.Full(), have.rows, want.rows)
	}
	return have.rows, nil
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
