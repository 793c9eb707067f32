package transform_test

import (
	"testing"
	"time"

	"nightjar/transform"
)

// somePage is where the pages of the tests come from.
var somePage = transform.Page{
	Ref:       "source/stream/20261120T011500Z-1/000001",
	At:        time.Date(2026, 11, 20, 1, 15, 0, 123456000, time.UTC),
	Operation: "Test",
}

// vendorTables are the tables of all streams.
func vendorTables() (all []transform.Table) {
	for _, s := range streams {
		all = append(all, s.Tables...)
	}
	return all
}

func streamOf(t testing.TB, source, name string) transform.Stream {
	t.Helper()
	for _, s := range streams {
		if s.Source == source && s.Name == name {
			return s.Stream
		}
	}
	t.Fatalf("%s has no stream %s", source, name)
	return transform.Stream{}
}

func paris(t testing.TB) *time.Location {
	t.Helper()
	location, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	return location
}
