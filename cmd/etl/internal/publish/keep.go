package publish

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"nightjar/cmd/etl/internal/warehouse"
	"nightjar/load"
	"nightjar/load/generation"
	"nightjar/load/keyfile"
	"nightjar/load/partition"
)

// builtPartition is what the manifest says of a partition that has been built.
func builtPartition(t load.Table, folder string, r partition.Result) generation.File {
	return generation.File{
		Path: generation.PartitionPath(t.Schema, t.Name, folder),
		Rows: r.Rows, Bytes: r.Bytes, SHA256: r.SHA256, Min: r.MinKey, Max: r.MaxKey,
		Keys: keysFile(t, folder, r.Keys),
	}
}

func keysFile(t load.Table, folder string, k keyfile.File) *generation.File {
	return &generation.File{Path: generation.KeysPath(t.Schema, t.Name, folder), Bytes: k.Bytes, SHA256: k.SHA256}
}

// sharePartition is shareSame for a partition's file, and for that of its keys.
func (p *Publisher) sharePartition(built, old generation.File) error {
	if err := p.shareSame(built, old); err != nil || old.Keys == nil {
		return err
	}
	return p.shareSame(*built.Keys, *old.Keys)
}

// shareSame puts the parent's file in the place of one that came out the same. A
// file that was lost or damaged since is not shared: the new one heals it.
func (p *Publisher) shareSame(built, old generation.File) error {
	if old.Path != built.Path || old.SHA256 != built.SHA256 || !p.Live.Intact(old) {
		return nil
	}
	if err := os.Remove(p.Build.Path(built.Path)); err != nil {
		return err
	}
	return p.Build.Keep(old)
}

func (p *Publisher) keepUnlessBuilt(f generation.File) error {
	if _, err := os.Stat(p.Build.Path(f.Path)); err == nil {
		return nil
	}
	if _, err := os.Stat(p.Live.Path(f)); errors.Is(err, fs.ErrNotExist) {
		return warehouse.DamagedError(p.Live, f)
	}
	if !p.Live.Untouched(f) {
		p.Found("%s of generation %d is not what was published, and is handed on as it is: `etl replay` rebuilds it", f.Path, p.Live.Manifest.Generation)
	}
	return p.Build.Keep(f)
}

// keepKeys takes over the file of a partition's keys, unless it has been built. One that is
// lost or damaged is made anew, of a Parquet file that is what was published.
func (p *Publisher) keepKeys(table, folder string, f generation.File) (generation.File, error) {
	switch {
	case f.Rows == 0:
		return f, nil
	case f.Keys != nil:
		if _, err := os.Stat(p.Build.Path(f.Keys.Path)); err == nil {
			return f, nil
		}
		if p.Live.Untouched(*f.Keys) {
			return f, p.Build.Keep(*f.Keys)
		}
		p.Found("%s of generation %d is not what was published; it is made anew", f.Keys.Path, p.Live.Manifest.Generation)
	}
	keys, err := p.writeKeys(table, folder, f)
	if err != nil {
		return f, fmt.Errorf("make the keys of %s anew: %w", f.Path, err)
	}
	f.Keys = keys
	return f, nil
}

// writeKeys makes the file of a partition's keys. There is none, until the next run, of a
// Parquet file that is damaged.
func (p *Publisher) writeKeys(table, folder string, f generation.File) (*generation.File, error) {
	if !p.Live.Untouched(f) {
		return nil, nil
	}
	t, err := warehouse.TableOf(table)
	if err != nil {
		return nil, err
	}
	width, at, err := partition.ParseFolder(folder)
	if err != nil {
		return nil, err
	}
	path := p.newFiles(t, folder).Keys
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	k, err := partition.WriteKeys(path, t, width, at, p.Live.Path(f))
	if err != nil {
		return nil, err
	}
	return keysFile(t, folder, k), nil
}
