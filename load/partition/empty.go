package partition

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"nightjar/load"
	"nightjar/load/parquetfile"
)

// WriteEmpty writes the Parquet file of a partition of t that has no row: its columns
// are there for whoever reads the table.
func WriteEmpty(path string, t load.Table) (Result, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return Result{}, fmt.Errorf("create parquet file: %w", err)
	}
	w, err := parquetfile.Create(path, t, memory.DefaultAllocator)
	if err != nil {
		return Result{}, err
	}
	file, err := w.Close()
	if err != nil {
		return Result{}, err
	}
	return Result{Path: path, Bytes: file.Bytes, SHA256: file.SHA256, Changed: true}, nil
}
