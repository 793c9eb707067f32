package pipeline_test

import (
	"fmt"
	"os"
	"syscall"
	"testing"
)

// roomy is what the warehouses of the tests may take together, in bytes.
const roomy = 4 << 30

// TestMain puts the warehouses of the tests into memory where there is a file system
// for that: hundreds of them are made, and none of these tests is about a disk.
func TestMain(m *testing.M) { os.Exit(inMemory(m)) }

func inMemory(m *testing.M) int {
	const shared = "/dev/shm"
	var fs syscall.Statfs_t
	if os.Getenv("TMPDIR") != "" || syscall.Statfs(shared, &fs) != nil || int64(fs.Bavail)*int64(fs.Bsize) < roomy {
		return m.Run()
	}
	dir, err := os.MkdirTemp(shared, "etl-test-")
	if err != nil {
		return m.Run()
	}
	defer os.RemoveAll(dir)
	if err := os.Setenv("TMPDIR", dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return m.Run()
}
