package warehouse

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"nightjar/load/generation"
	"nightjar/load/landing"
	"nightjar/load/ref"
)

// nights is how many landed runs of a stream tell what it may land next.
const nights = 10

// freeBytes is what this user may still write to the disk that a folder lies on.
func freeBytes(dir string) (uint64, error) {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(dir, &disk); err != nil {
		return 0, fmt.Errorf("measure the disk of %s: %w", dir, err)
	}
	return disk.Bavail * uint64(disk.Bsize), nil
}

// room says where the disk has less left than a night may take: twice the live database,
// which is copied and grows, the most that each enabled stream has landed of late, and a
// tenth more. Where files have no hard links, the live Parquet files are copied too.
func (s *Site) room(ctx context.Context, live *generation.Generation, links bool, free func(dir string) (uint64, error)) error {
	var database, copied uint64
	if live != nil {
		database = uint64(live.Manifest.Database.Bytes)
		for _, f := range live.Manifest.Files() {
			if !links && f.Path != live.Manifest.Database.Path {
				copied += uint64(f.Bytes)
			}
		}
	}
	landed, err := s.mostLanded(ctx)
	if err != nil {
		return err
	}
	night := 2*database + landed + copied
	night += night / 10
	left, err := free(s.Config.Warehouse)
	if err == nil {
		left += s.unfinished()
	}
	if err != nil || left >= night {
		return err
	}
	return fmt.Errorf("the disk of %s has %s left, and a night may take %s (twice the database of %s, %s of landed pages, %s of copied files, and a tenth): want %s more; fewer generations (publish.keep) take less",
		s.Config.Warehouse, megabytes(left), megabytes(night), megabytes(database), megabytes(landed), megabytes(copied), megabytes(night-left))
}

// unfinished is what generations hold that are not whole, bytes: a run that begins removes
// them. Files that they share with others are not freed by that.
func (s *Site) unfinished() (sum uint64) {
	dirs, err := filepath.Glob(filepath.Join(s.Config.Warehouse, "generations", ".building-*"))
	if err != nil {
		return 0 // the pattern is right
	}
	for _, dir := range dirs {
		_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return nil // what cannot be looked at is not counted
			}
			if info, err := e.Info(); err == nil {
				if st, ok := info.Sys().(*syscall.Stat_t); ok && st.Nlink == 1 {
					sum += uint64(info.Size())
				}
			}
			return nil
		})
	}
	return sum
}

// megabytes rounds up, so that nothing that is there prints as nothing.
func megabytes(n uint64) string { return fmt.Sprintf("%dMB", (n+1e6-1)/1e6) }

// mostLanded adds up, of each enabled stream, the largest of its last landed runs, bytes.
func (s *Site) mostLanded(ctx context.Context) (uint64, error) {
	zone, err := s.Zone()
	if err != nil {
		return 0, err
	}
	var sum uint64
	seen := map[ref.Stream]bool{}
	for _, p := range s.Config.Enabled() {
		if seen[p.Ref()] {
			continue
		}
		seen[p.Ref()] = true
		most, err := s.largest(ctx, zone, p.Ref())
		if err != nil {
			return 0, err
		}
		sum += most
	}
	return sum, nil
}

func (s *Site) largest(ctx context.Context, zone *landing.Zone, stream ref.Stream) (most uint64, err error) {
	ids, err := zone.RunIDs(stream)
	if err != nil {
		return 0, err
	}
	for _, id := range ids[max(0, len(ids)-nights):] {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		bytes, err := folderBytes(filepath.Join(s.Config.Warehouse, "landing", filepath.FromSlash(stream.Run(id).String())))
		if err != nil {
			return 0, fmt.Errorf("measure what run %s has landed: %w", id, err)
		}
		most = max(most, bytes)
	}
	return most, nil
}

// folderBytes is what the files in a folder hold together.
func folderBytes(dir string) (sum uint64, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, err
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return 0, err
		}
		sum += uint64(info.Size())
	}
	return sum, nil
}
