package landing

import (
	"io"
	"os"

	"nightjar/load/durable"
)

// file is what the zone writes to. The caller keeps the offset, so that a write
// that stopped half-way can be taken back.
type file interface {
	io.WriterAt
	io.Closer
	Sync() error
	Truncate(size int64) error
}

// disk is every way in which the zone changes the file system.
type disk interface {
	Create(path string) (file, error) // refuses an existing file
	Open(path string) (file, error)   // an existing file, for writing
	Mkdir(path string) error          // refuses an existing folder
	SyncDir(path string) error        // makes the names in a folder durable
}

type osDisk struct{}

func (osDisk) Create(path string) (file, error) {
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
}

func (osDisk) Open(path string) (file, error) { return os.OpenFile(path, os.O_WRONLY, 0) }
func (osDisk) Mkdir(path string) error        { return os.Mkdir(path, 0o700) }
func (osDisk) SyncDir(path string) error      { return durable.Sync(path) }
