package generation

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"syscall"

	"golang.org/x/sync/errgroup"

	"nightjar/load"
	"nightjar/load/durable"
)

// Build is a generation under way, in a folder aside.
type Build struct {
	store  *Store
	dir    string
	number int
	parent *Generation
}

// Scratch is a folder for temporary files, removed before the commit.
func (b *Build) Scratch() string { return filepath.Join(b.dir, "scratch") }

// Database is where the DuckDB file is to be built.
func (b *Build) Database() string { return filepath.Join(b.dir, databaseFile) }

// Path is where the file with the relative path is to be built.
func (b *Build) Path(rel string) string { return filepath.Join(b.dir, rel) }

// TablePath is the relative path of the folder of a table.
func TablePath(schema, table string) string { return path.Join("parquet", schema, table) }

// PartitionPath is the relative path of a partition of a table.
func PartitionPath(schema, table, folder string) string {
	return path.Join(TablePath(schema, table), folder, "data.parquet")
}

// KeysFolder is the relative path of the folder of a table's keys. It stands beside the
// Parquet: some who read all of a folder take no other file in it.
func KeysFolder(schema, table string) string { return path.Join("keys", schema, table) }

// KeysPath is the relative path of the file of a partition's keys.
func KeysPath(schema, table, folder string) string {
	return path.Join(KeysFolder(schema, table), folder, "data.keys")
}

// MartPath is the relative path of a mart.
func MartPath(schema, mart string) string { return path.Join("parquet", schema, mart, "data.parquet") }

// Keep takes over a file of the parent: a hard link, or a copy where the file
// system has none.
func (b *Build) Keep(f File) error {
	to := b.Path(f.Path)
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return fmt.Errorf("keep %s: %w", f.Path, err)
	}
	from := b.parent.Path(f)
	err := os.Link(from, to)
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EXDEV) || errors.Is(err, syscall.EMLINK) || errors.Is(err, errors.ErrUnsupported) {
		if err = copyFile(from, to); err == nil {
			err = sameTime(from, to)
		}
	}
	if err != nil {
		return fmt.Errorf("keep %s: %w", f.Path, err)
	}
	return nil
}

// sameTime gives a copy the time of what it was copied from.
func sameTime(from, to string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	return os.Chtimes(to, info.ModTime(), info.ModTime())
}

// Sum describes a file that has been built: its size and hash.
func (b *Build) Sum(rel string, rows int64) (File, error) {
	bytes, sum, err := sumFile(b.Path(rel))
	if err != nil {
		return File{}, fmt.Errorf("hash %s: %w", rel, err)
	}
	return File{Path: rel, Rows: rows, Bytes: bytes, SHA256: sum}, nil
}

func sumFile(name string) (int64, string, error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, "", err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	return n, hex.EncodeToString(h.Sum(nil)), err
}

// Commit writes the manifest, makes the folder durable and read-only, gives it
// its number and points current at it. Up to the last rename readers see the
// parent.
func (b *Build) Commit(m *Manifest) error {
	m.Format, m.Generation = format, b.number
	if b.parent != nil {
		m.Parent = b.parent.Manifest.Generation
	}
	if err := os.RemoveAll(b.Scratch()); err != nil {
		return fmt.Errorf("commit generation %d: %w", b.number, err)
	}
	if err := errors.Join(b.noteDatabase(m), b.noteTimes(m)); err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	data, err := json.MarshalIndent(m, "", "  ")
	if err == nil {
		err = os.WriteFile(b.Path(manifestFile), append(data, '\n'), 0o600)
	}
	if err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	if err := b.seal(); err != nil {
		return fmt.Errorf("make generation %d durable: %w", b.number, err)
	}
	if err := os.Rename(b.dir, b.store.path(b.number)); err != nil {
		return fmt.Errorf("commit generation %d: %w", b.number, err)
	}
	if err := durable.Sync(filepath.Dir(b.dir)); err != nil {
		return fmt.Errorf("commit generation %d: %w", b.number, err)
	}
	if err := b.store.letIn(); err != nil {
		return fmt.Errorf("commit generation %d: %w", b.number, err)
	}
	return b.store.SetCurrent(b.number)
}

// noteDatabase writes down by what the database is known again.
func (b *Build) noteDatabase(m *Manifest) error {
	info, err := os.Lstat(b.Database())
	if err == nil {
		m.Database = File{Path: databaseFile, Bytes: info.Size(), Modified: info.ModTime().UTC()}
	}
	return err
}

// noteTimes writes down when each new file was last changed. What is said of a file
// of the parent stays: it may have been changed since.
func (b *Build) noteTimes(m *Manifest) error {
	note := func(f File) (File, error) {
		if !f.Modified.IsZero() {
			return f, nil
		}
		info, err := os.Stat(b.Path(f.Path))
		if err == nil {
			f.Modified = info.ModTime().UTC()
		}
		return f, err
	}
	noteBoth := func(f File) (File, error) {
		if f.Keys == nil || !f.Keys.Modified.IsZero() {
			return note(f)
		}
		keys, err := note(*f.Keys)
		if err != nil {
			return f, err
		}
		f.Keys = &keys
		return note(f)
	}
	var err error
	for name, t := range m.Tables {
		t.Partitions = maps.Clone(t.Partitions) // the parent's, where nothing changed
		for folder, f := range t.Partitions {
			if t.Partitions[folder], err = noteBoth(f); err != nil {
				return err
			}
		}
		m.Tables[name] = t
	}
	for name, f := range m.Marts {
		if m.Marts[name], err = note(f); err != nil {
			return err
		}
	}
	return nil
}

// seal takes away the right to write every file, gives files and folders to those
// who may read them, and makes durable what it touches. A file that came from the
// parent is sealed and durable already, unless its readers have changed since.
func (b *Build) seal() error {
	var names []string
	err := filepath.WalkDir(b.dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		changed, err := b.store.readers.admit(name, info)
		if changed || e.IsDir() || links(info) == 1 {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		return err
	}
	return syncAll(names, durable.Sync)
}

func links(info fs.FileInfo) uint64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Nlink)
	}
	return 1
}

// syncsAtOnce is how many files a disk is asked to make durable at a time.
const syncsAtOnce = 8

// syncAll makes folders and files durable, several at a time: the disk takes them
// together.
func syncAll(names []string, one func(string) error) error {
	var syncing errgroup.Group
	syncing.SetLimit(syncsAtOnce)
	errs := make([]error, len(names))
	for i, name := range names {
		syncing.Go(func() error {
			errs[i] = syncOne(name, one)
			return nil
		})
	}
	syncing.Wait()
	return errors.Join(errs...)
}

// syncOne says of a panic which name it met.
func syncOne(name string, one func(string) error) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("sync %s: %w", name, err)
		}
	}()
	defer load.Catch(&err)
	return one(name)
}

// Abandon removes what has been built.
func (b *Build) Abandon() error { return b.store.removeFolder(b.dir) }
