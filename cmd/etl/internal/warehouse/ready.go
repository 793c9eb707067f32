package warehouse

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"nightjar/load/durable"
	"nightjar/load/generation"
)

// Ready says, all at once, what would cost a night: too little memory, readers that are no
// group, a clock that is wrong, folders that cannot be written, a live generation that
// cannot be read, a disk that is too full. The warehouse's folders are made where they are
// missing. A *UsageError is in the chain where the configuration is wrong. Credentials are
// not looked at: they are read with the configuration.
func (s *Site) Ready(ctx context.Context) error { return s.ready(ctx, freeBytes) }

// ready is Ready with a measure of the disk that a folder lies on.
func (s *Site) ready(ctx context.Context, free func(dir string) (uint64, error)) error {
	readers, err := s.readers()
	problems := []error{s.Fits(), err, s.onTime()}
	links, err := s.writable(readers)
	problems = append(problems, err)
	if info, err := os.Stat(s.Config.Warehouse); err == nil && info.IsDir() {
		live, err := s.Current()
		if errors.Is(err, generation.ErrNone) {
			err = nil
		}
		problems = append(problems, s.lockable(), err, s.room(ctx, live, links, free))
	}
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("not ready for a night:\n%w", err)
	}
	return nil
}

// ahead is how far two machines' clocks may be apart that write to one warehouse.
const ahead = time.Hour

// earliest is a time before which no clock that is right is read by this program.
var earliest = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

// onTime says where the clock cannot be right. The newest record counts, and no older one:
// a run by hand ends the refusal where it was the record's clock that was wrong.
func (s *Site) onTime() error {
	now := s.Now().UTC()
	if now.Before(earliest) {
		return fmt.Errorf("the clock says %s, long before now: set it (timedatectl set-ntp true)", now.Format(time.RFC3339))
	}
	var last time.Time
	what := ""
	if live, err := s.Store().Current(); err == nil {
		last, what = live.Manifest.Created, fmt.Sprintf("generation %d was made", live.Manifest.Generation)
	}
	if records, err := s.Records().Newest(); err == nil { // else the folders have a problem of their own
		for record := range records {
			last, what = record.Started, fmt.Sprintf("run %s began", record.RunID)
			break
		}
	}
	if last.After(now.Add(ahead)) {
		return fmt.Errorf("the clock says %s, and %s at %s: set the clock; where it is right, and was wrong then, begin with one `etl run` by hand",
			now.Format(time.RFC3339), what, last.UTC().Format(time.RFC3339))
	}
	return nil
}

// writable tries the folders that a night writes to: the three of the warehouse, which are
// made, and those of the enabled streams that have landed before. It reports whether a new
// generation can have hard links, and true where nobody can tell.
func (s *Site) writable(readers generation.Readers) (links bool, err error) {
	const generations = "generations"
	folders := []string{".", "landing", generations, "runs"}
	made := len(folders)
	for _, p := range s.Config.Enabled() {
		folders = append(folders, filepath.Join("landing", p.Source), filepath.Join("landing", p.Source, p.Stream))
	}
	links = true
	var problems []error
	tried := map[string]bool{}
	for i, name := range folders {
		dir := filepath.Join(s.Config.Warehouse, name)
		_, missing := os.Stat(dir)
		if tried[name] || missing != nil && (i >= made || len(problems) > 0) {
			continue
		}
		tried[name] = true
		var to generation.Readers
		if name == generations {
			to = readers
		}
		linked, err := probe(dir, to)
		switch {
		case err != nil:
			problems = append(problems, fmt.Errorf("%s cannot be written: %w; want a folder with room, of the user who runs etl (chown -R)", dir, err))
		case name == generations:
			links = linked
		}
	}
	return links, errors.Join(problems...)
}

// probe does in a folder what a run does: it writes a file, makes it durable, renames it,
// gives it to the readers, and removes it. It reports whether the file could have a hard
// link; without, a generation copies what it keeps.
func probe(dir string, readers generation.Readers) (links bool, err error) {
	if err := durable.MakeDir(dir); err != nil {
		return false, err
	}
	aside, err := os.MkdirTemp(dir, ".probe-")
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(aside)) }()
	written, renamed := filepath.Join(aside, "written"), filepath.Join(aside, "renamed")
	if err := os.WriteFile(written, []byte("written to see whether it can be\n"), 0o600); err != nil {
		return false, err
	}
	if err := errors.Join(durable.Sync(written), os.Rename(written, renamed), durable.Sync(aside), durable.Sync(dir)); err != nil {
		return false, err
	}
	if readers.Shared {
		if err := os.Chown(renamed, -1, readers.Group); err != nil {
			return false, fmt.Errorf("%w: the user who runs this is to be a member of the readers' group", err)
		}
	}
	return os.Link(renamed, filepath.Join(aside, "linked")) == nil, nil
}

// lockable says where a run could not open the file of the lock: one run of another user
// is enough for that.
func (s *Site) lockable() error {
	f, err := os.OpenFile(s.lockPath(), os.O_RDWR|syscall.O_NOFOLLOW, 0)
	switch {
	case err == nil:
		return f.Close()
	case errors.Is(err, fs.ErrNotExist):
		return nil
	}
	return fmt.Errorf("the lock cannot be taken: %w; want a file of the user who runs etl (chown)", err)
}
