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
	"runtime"
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
	l := flock.New(path, flock.SetFlag(os.O_CREATE|os.O_RDWR), flock.SetPermissions(0o644))
	got, err := l.TryLock()
	if err != nil {
		return nil, fmt.Errorf("locking the warehouse: %w", errors.Join(err, l.Close()))
	}
	if !got {
		return nil, errors.Join(&HeldError{Path: path, Holder: read(path)}, l.Close())
	}
	if err := sign(path); err != nil {
		return nil, fmt.Errorf("locking the warehouse: %w", errors.Join(err, l.Close()))
	}
	return func() error {
		if !l.Locked() {
			return nil
		}
		// The text is for people; that it stays is no reason to keep the lock.
		if runtime.GOOS != "windows" {
			_ = os.Truncate(path, 0)
		}
		return l.Close()
	}, nil
}

// sign writes down who holds the lock. Windows lets nobody write to a locked
// file through a second handle; there the file stays empty.
func sign(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	text, err := json.Marshal(Holder{PID: os.Getpid(), Host: host, Started: time.Now().UTC().Truncate(time.Second)})
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

func read(path string) Holder {
	var h Holder
	text, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(text, &h) != nil {
		return Holder{}
	}
	return h
}
