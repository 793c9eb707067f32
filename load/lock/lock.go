// Package lock keeps two programs from writing to one warehouse. The lock is the
// operating system's, on an open file, so that it goes with the process that held
// it, however that ended. The file's text says who holds it, for people.
package lock

import (
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

// HeldError says that another process, or another part of this one, has the lock.
type HeldError struct {
	Path   string
	Holder Holder // zero where the holder has not said who it is
}

func (e *HeldError) Error() string {
	if e.Holder == (Holder{}) {
		return "the warehouse is in use by another process: " + e.Path + " is locked"
	}
	return fmt.Sprintf("the warehouse is in use by pid %d on %s since %s",
		e.Holder.PID, e.Holder.Host, e.Holder.Started.Format(time.RFC3339))
}

// Acquire takes the lock at path without waiting; the folder is created where it
// is missing. Held by another, it returns a *HeldError. A file that nobody holds
// is no obstacle, whatever it says. Release may be called more than once; the
// file stays, since removing it would let two holders in.
func Acquire(path string) (release func() error, err error) {
	if err := durable.MakeDir(filepath.Dir(path)); err != nil {
		return nil, fmt.Errorf("locking the warehouse: %w", err)
	}
	l := flock.New(path, flock.SetFlag(os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW), flock.SetPermissions(0o600))
	got, err := l.TryLock()
	if errors.Is(err, syscall.ELOOP) {
		return nil, fmt.Errorf("locking the warehouse: %s is a symbolic link, which a lock never is; remove it", path)
	}
	if err != nil {
		return nil, fmt.Errorf("locking the warehouse: %w", errors.Join(err, l.Close()))
	}
	if !got {
		return nil, errors.Join(&HeldError{Path: path, Holder: read(path)}, l.Close())
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

// HeldBy reports whether a process of this machine says in the lock at path that it
// holds it, and lives. It does not touch the lock, which somebody may be about to take.
func HeldBy(path string, pid int) bool {
	h := read(path)
	host, err := os.Hostname()
	if err != nil || h.PID != pid || h.Host != host {
		return false
	}
	err = syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}

func read(path string) Holder {
	var h Holder
	text, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(text, &h) != nil {
		return Holder{}
	}
	return h
}
