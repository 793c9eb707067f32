package sandbox_test

import (
	"testing"

	"nightjar/extract/sandbox"
)

// BenchmarkNew generates ten times the demo's data.
func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		if _, err := sandbox.New(sandbox.Options{Scale: 10}); err != nil {
			b.Fatal(err)
		}
	}
}
