package database

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"nightjar/load"
)

// Place is where a version of a key stands.
type Place struct {
	Partition int32
	Page      string
	Known     bool // in the table, not among the incoming
}

// Strays finds the keys that stand in more than one partition, incoming and
// known rows together. keys is the Parquet file of the incoming keys (the key
// columns, partition, page); known maps each partition of the table to its file.
// It calls yield for every place of every such key, key by key.
func (d *DB) Strays(ctx context.Context, t load.Table, keys string, known map[int32]string, yield func(key []any, at Place)) error {
	key := make([]string, len(t.Key))
	for i, k := range t.Key {
		key[i] = Ident(k)
	}
	list := strings.Join(key, ", ")
	incoming := fmt.Sprintf("read_parquet(%s)", Files([]string{keys}))
	places := fmt.Sprintf("SELECT %s, partition, max(page) AS page, false AS known FROM %s GROUP BY ALL", list, incoming)
	if len(known) > 0 {
		files, names := knownFiles(known)
		places += fmt.Sprintf(" UNION ALL SELECT %s, f.partition, %s, true FROM read_parquet(%s, hive_partitioning = false, filename = true) r JOIN (VALUES %s) f(path, partition) ON r.filename = f.path SEMI JOIN %s i USING (%s)",
			list, pageColumn(t), Files(files), names, incoming, list)
	}
	query := fmt.Sprintf("WITH places AS (%s) SELECT %s, partition, page, known FROM places SEMI JOIN (SELECT %s FROM places GROUP BY ALL HAVING min(partition) <> max(partition)) USING (%s) ORDER BY ALL",
		places, list, list, list)
	rows, err := d.Query(ctx, query)
	if err != nil {
		return fmt.Errorf("find keys of %s that moved: %w", t.Full(), err)
	}
	defer rows.Close()
	for rows.Next() {
		values, into := make([]any, len(t.Key)), make([]any, 0, len(t.Key)+3)
		for i := range values {
			into = append(into, &values[i])
		}
		var at Place
		if err := rows.Scan(append(into, &at.Partition, &at.Page, &at.Known)...); err != nil {
			return fmt.Errorf("find keys of %s that moved: %w", t.Full(), err)
		}
		yield(values, at)
	}
	return rows.Err()
}

func pageColumn(t load.Table) string {
	if t.Arrow.HasField(load.Page) {
		return Ident(load.Page)
	}
	return "''"
}

// knownFiles lists the paths, and the rows (path, partition) of a VALUES list.
func knownFiles(known map[int32]string) (paths []string, values string) {
	var rows []string
	for _, p := range slices.Sorted(maps.Keys(known)) {
		paths = append(paths, known[p])
		rows = append(rows, fmt.Sprintf("(%s, %d::INTEGER)", Text(known[p]), p))
	}
	return paths, strings.Join(rows, ", ")
}
