// Package database makes the DuckDB file of a generation. The file is a
// projection of the Parquet: every row in it can be had again from there. A
// night updates a copy of the last file by the rows that changed; a file with too
// much dead space is built afresh.
package database

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/marcboeker/go-duckdb/v2"

	"nightjar/load"
)

// Limits bound what DuckDB may take of the machine.
type Limits struct {
	Memory  int64  // bytes, DuckDB's memory_limit; zero is its own choice
	Threads int    // each holds memory of its own; zero is one a core
	Folder  string // statements reach no file outside it; empty is the file's own, and none where there is no file
	Temp    string // directory in which what does not fit in memory has a folder; empty is the system's
}

// DB is an open database. It is used by one goroutine.
type DB struct {
	sql     *sql.DB
	conn    *sql.Conn
	path    string
	limits  Limits
	spilled string // folder for what does not fit in memory; empty for none
	locked  bool   // see Lock
}

// Open opens or creates the database file at path; an empty path is a database
// in memory.
func Open(ctx context.Context, path string, limits Limits) (*DB, error) {
	return open(ctx, path, "", limits)
}

// OpenReadOnly opens an existing database file for reading, beside any number of
// other readers.
func OpenReadOnly(ctx context.Context, path string, limits Limits) (*DB, error) {
	d, err := open(ctx, path, " (READ_ONLY)", limits)
	if err != nil {
		return nil, err
	}
	if err := d.Lock(ctx); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

func open(ctx context.Context, path, mode string, limits Limits) (*DB, error) {
	connector, err := duckdb.NewConnector("", nil)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	pool := sql.OpenDB(connector)
	conn, err := pool.Conn(ctx)
	if err != nil {
		pool.Close()
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	d := &DB{sql: pool, conn: conn, path: path, limits: limits, spilled: spillFolder(limits.Temp)}
	if err := d.configure(ctx); err != nil {
		d.Close()
		return nil, fmt.Errorf("configure database %s: %w", path, err)
	}
	if err := d.attach(ctx, limits.Folder, mode); err != nil {
		d.Close()
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	return d, nil
}

// attach opens the file and shuts everything else: no statement reads or writes
// another file, the network, or an extension. A path is a text here; the driver would
// take a part of it for options.
func (d *DB) attach(ctx context.Context, folder, mode string) error {
	var statements []string
	if d.path != "" {
		path, err := filepath.Abs(d.path)
		if err != nil {
			return err
		}
		statements = append(statements, "ATTACH "+Text(path)+" AS "+catalog+mode, "USE "+catalog)
		folder = cmp.Or(folder, filepath.Dir(path))
	}
	if folder != "" {
		folder, err := filepath.Abs(folder)
		if err != nil {
			return err
		}
		statements = append(statements, "SET allowed_directories = ["+Text(folder+string(filepath.Separator))+"]")
	}
	statements = append(statements,
		"SET autoload_known_extensions = false",
		"SET enable_external_access = false")
	return d.Exec(ctx, strings.Join(statements, "; "))
}

// catalog is the name of the file's database in a session.
const catalog = "warehouse"

// Lock keeps the settings as they are, so that no statement that follows, a mart's or
// an operator's, opens again what is shut.
func (d *DB) Lock(ctx context.Context) error {
	if d.locked {
		return nil
	}
	d.locked = true
	return d.Exec(ctx, d.setLimits()+"; SET lock_configuration = true")
}

// spillFolder makes the folder of one database, which nobody else may read. By
// itself DuckDB would spill beside the file, into a generation that is published.
// Where there is no place, nothing is spilled: most of what only reads fits.
func spillFolder(in string) string {
	folder, err := os.MkdirTemp(in, "duckdb-")
	if err != nil {
		return ""
	}
	return folder
}

func (d *DB) configure(ctx context.Context) error {
	settings := []string{
		"SET TimeZone = 'UTC'", "SET enable_progress_bar = false", "SET autoinstall_known_extensions = false",
		// Nothing reads the tables in the order of insertion; to keep it, a load takes
		// twice the time and holds rows back in memory.
		"SET preserve_insertion_order = false",
		"SET temp_directory = " + Text(d.spilled),
		d.setLimits(),
	}
	if m := d.limits.Memory; m > 0 {
		// DuckDB would keep more memory that is free again than its limit may be, and its
		// limit does not count it. To give back every bit at once takes a third of a load.
		for _, threshold := range []string{"allocator_flush_threshold", "allocator_bulk_deallocation_flush_threshold"} {
			settings = append(settings, fmt.Sprintf("SET %s = '%dB'", threshold, m/freeShare))
		}
	}
	return d.Exec(ctx, strings.Join(settings, "; "))
}

// freeShare is the part of its limit, one in freeShare, that DuckDB may hold and not use.
const freeShare = 6

// setLimits gives DuckDB the threads and the memory that it may have. To be told of
// its memory makes it return what it holds and does not use, of every thread.
func (d *DB) setLimits() string {
	threads, memory := "RESET threads", "RESET memory_limit"
	if d.limits.Threads != 0 {
		threads = fmt.Sprintf("SET threads = %d", d.limits.Threads)
	}
	if d.limits.Memory != 0 {
		memory = fmt.Sprintf("SET memory_limit = '%dB'", d.limits.Memory)
	}
	return threads + "; " + memory
}

// Exec runs a statement, or several that semicolons part, up to the first that fails.
func (d *DB) Exec(ctx context.Context, statement string, args ...any) error {
	_, err := d.conn.ExecContext(ctx, statement, args...)
	return err
}

// Together runs do in one transaction, which is one write to the disk: a large one
// goes to its place in the file, past the write-ahead log.
func (d *DB) Together(ctx context.Context, do func() error) error {
	if err := d.Exec(ctx, "BEGIN"); err != nil {
		return err
	}
	if err := do(); err != nil {
		return errors.Join(err, d.Exec(context.WithoutCancel(ctx), "ROLLBACK"))
	}
	return d.alone(ctx, "COMMIT")
}

// alone runs a statement that writes to the disk on one thread. There is hardly
// work for a second one, and DuckDB waits for it in a busy loop. Once the settings are
// locked, only little is left to write.
func (d *DB) alone(ctx context.Context, statement string) error {
	if d.locked {
		return d.Exec(ctx, statement)
	}
	return d.Exec(ctx, "SET threads = 1; "+statement+"; "+d.setLimits())
}

// Query runs a statement that returns rows.
func (d *DB) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return d.conn.QueryContext(ctx, query, args...)
}

// Scalar runs a query and scans the one row that it returns.
func (d *DB) Scalar(ctx context.Context, query string, into ...any) error {
	return d.conn.QueryRowContext(ctx, query).Scan(into...)
}

// Close closes the database without more ado; Finish is for a file to publish.
func (d *DB) Close() error {
	err := errors.Join(d.conn.Close(), d.sql.Close())
	if d.spilled != "" {
		err = errors.Join(err, os.RemoveAll(d.spilled))
	}
	return err
}

// Finish writes everything into the file, closes it, and checks that no
// write-ahead log is left beside it.
func (d *DB) Finish(ctx context.Context) error {
	if err := d.alone(ctx, "CHECKPOINT"); err != nil {
		d.Close()
		return fmt.Errorf("checkpoint %s: %w", d.path, err)
	}
	if err := d.Close(); err != nil {
		return fmt.Errorf("close %s: %w", d.path, err)
	}
	if _, err := os.Stat(d.path + ".wal"); err == nil {
		return fmt.Errorf("close %s: a write-ahead log is left beside it", d.path)
	}
	return nil
}

// Ident quotes an identifier.
func Ident(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// Text quotes a string literal.
func Text(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// Name is the quoted, qualified name of a table.
func Name(t load.Table) string { return Ident(t.Schema) + "." + Ident(t.Name) }

// Files is a list of paths as read_parquet takes it.
func Files(paths []string) string {
	return "[" + list(paths, ", ", func(p string) string { return Text(escapeGlob(absolute(p))) }) + "]"
}

// list writes items one after another, with a separator between them.
func list[T any](items []T, separator string, write func(T) string) string {
	written := make([]string, len(items))
	for i, item := range items {
		written[i] = write(item)
	}
	return strings.Join(written, separator)
}

// absolute is the path as the session's folder is named; see attach.
func absolute(path string) string {
	if whole, err := filepath.Abs(path); err == nil {
		return whole
	}
	return path
}

// escapeGlob makes a path stand for itself where DuckDB would read a pattern.
func escapeGlob(path string) string {
	if !strings.ContainsAny(path, "*?[") {
		return path
	}
	return strings.NewReplacer("*", "[*]", "?", "[?]", "[", "[[]").Replace(path)
}
