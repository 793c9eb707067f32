package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nightjar/cmd/etl/internal/config"
)

func FuzzLoad(f *testing.F) {
	for _, pattern := range []string{"*.good.yml", "*.bad.yml"} {
		all, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil {
			f.Fatal(err)
		}
		for _, name := range all {
			data, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if strings.Contains(string(data), "_file") {
			t.Skip("would read files of this machine")
		}
		c, err := config.Parse("pipelines.yaml", data, env)
		if (c == nil) == (err == nil) {
			t.Fatalf("Load = %v, %v; want a configuration or an error", c, err)
		}
		var invalid *config.ValidationError
		if err != nil && (!errors.As(err, &invalid) || len(invalid.Problems) == 0) {
			t.Fatalf("error %v is no *ValidationError with problems", err)
		}
	})
}
