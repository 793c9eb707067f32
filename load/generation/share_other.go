//go:build !linux

package generation

import (
	"errors"
	"os"
)

// shareBlocks is for file systems of Linux.
func shareBlocks(_, _ *os.File) error { return errors.ErrUnsupported }
