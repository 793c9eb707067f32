// Package lock keeps two programs from doing to one warehouse what one is to do. The
// lock is the operating system's, on an open file, so that it goes with the process that
// held it, however that ended. The file's text says who holds it, for people.
//
// Who holds it has it alone. A shared lock on the same file is that of someone who looks
// whether it is held, and stands in nobody's way.
package lock

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/gofrs/flock"

	"nightjar/load/durable"
)

// Holder is who holds a lock, as the holder wrote it down.
type Holder struct {
	PID     int       `json:"pid"`
	Host    string    `json:"host"`
	Started time.Time `json:"started"` // when the lock was taken, UTC, seconds
}

func (h Holder) String() string {
	if h == (Holder{}) {
		return "another process"
	}
	return fmt.Sprintf("pid %d on %s since %s", h.PID, h.Host, h.Started.Format(time.RFC3339))
}

// HeldError says that another process, or another part of this one, has the lock.
type HeldError struct {
	Path   string
	Holder Holder // zero where the holder has not said who it is
}

func (e *HeldError) Error() string {
	if e.Holder == (Holder{}) {
		return "the warehouse is in use by another process: " + e.Path + " is locked"
	}
	return "the warehouse is in use by " + e.Holder.String()
}

// Between two tries a waiting Acquire sleeps for pause. A try that meets somebody who looks
// is repeated after glance, and as often as glances says.
const (
	pause   = 200 * time.Millisecond
	glance  = time.Millisecond
	glances = 20
)

// Acquire takes the lock at path; the folder is created where it is missing. Where
// another holds it, Acquire tells waits, once, for whom it waits, and tries again until
// wait is over: then it returns a *HeldError. With a wait of zero it does so at once, and
// waits is not called. The end of ctx ends the waiting with the error of ctx.
//
// A file that nobody holds is no obstacle, whatever it says. Release may be called more
// than once; the file stays, since removing it would let two holders in.
func Acquire(ctx context.Context, path string, wait time.Duration, waits func(Holder)) (release func() error, err error) {
	if err := durable.MakeDir(filepath.Dir(path)); err != nil {
		return nil, fmt.Errorf("locking the warehouse: %w", err)
	}
	l := flock.New(path, flock.SetFlag(os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW), flock.SetPermissions(0o600))
	if err := take(ctx, l, wait, waits); err != nil {
		return nil, err
	}
	if err := write(l, signature()); err != nil {
		return nil, fmt.Errorf("locking the warehouse: %w", errors.Join(err, l.Close()))
	}
	return func() error {
		if !l.Locked() {
			return nil
		}
		// The text is for people; that it stays is no reason to keep the lock.
		_ = write(l, nil)
		return l.Close()
	}, nil
}

// take takes the lock, or says why it has not.
func take(ctx context.Context, l *flock.Flock, wait time.Duration, waits func(Holder)) error {
	until := time.Now().Add(wait)
	for first := true; ; first = false {
		got, err := try(l)
		switch {
		case errors.Is(err, syscall.ELOOP):
			return fmt.Errorf("locking the warehouse: %s is a symbolic link, which a lock never is; remove it", l.Path())
		case err != nil:
			return fmt.Errorf("locking the warehouse: %w", err)
		case got:
			return nil
		}
		holder, left := read(l.Path()), time.Until(until)
		if left <= 0 {
			return &HeldError{Path: l.Path(), Holder: holder}
		}
		if first {
			waits(holder)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(min(pause, left)):
		}
	}
}

// try takes the lock where nobody has it.
func try(l *flock.Flock) (bool, error) {
	for range glances {
		got, err := l.TryLock()
		if got || err != nil {
			return got, err
		}
		// Where a shared lock can be had, nobody holds the lock: somebody looked.
		looked, err := l.TryRLock()
		if !looked || err != nil {
			return false, err
		}
		if err := l.Close(); err != nil {
			return false, err
		}
		time.Sleep(glance)
	}
	return false, nil
}

// signature says who holds the lock.
func signature() []byte {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	text, err := json.Marshal(Holder{PID: os.Getpid(), Host: host, Started: time.Now().UTC().Truncate(time.Second)})
	if err != nil {
		return nil // no value of these types is refused
	}
	return append(text, '\n')
}

// write replaces the text of the file that is locked, and of no other that may have
// come to stand in its place.
func write(l *flock.Flock, text []byte) error {
	f, err := os.OpenFile(l.Path(), os.O_WRONLY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	locked, err := l.Stat()
	if err != nil {
		return err
	}
	if info, err := f.Stat(); err != nil || !os.SameFile(locked, info) {
		return errors.Join(fmt.Errorf("%s is not the file that was locked", l.Path()), err)
	}
	if _, err := f.WriteAt(text, 0); err != nil {
		return err
	}
	return errors.Join(f.Truncate(int64(len(text))), f.Chmod(0o600))
}

// Look says who holds the lock at path, and whether anybody does: zero and true for one
// who is just about to say who it is. The operating system is asked, not the file, which
// keeps the words of a holder that was killed. Whoever takes the lock meanwhile gets it.
func Look(path string) (Holder, bool) {
	l := flock.New(path, flock.SetFlag(os.O_RDONLY|syscall.O_NOFOLLOW))
	free, err := l.TryRLock()
	if err != nil {
		return Holder{}, false
	}
	if free {
		_ = l.Close() // the end of the process does the same
		return Holder{}, false
	}
	return read(path), true
}

func read(path string) Holder {
	var h Holder
	text, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(text, &h) != nil {
		return Holder{}
	}
	return h
}
