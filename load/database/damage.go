package database

import (
	"errors"
	"slices"

	"github.com/marcboeker/go-duckdb/v2"
)

// Damaged reports whether an error says that a file cannot be read as what it is: a
// block does not fit its checksum, or what was read makes no sense.
func Damaged(err error) bool {
	damage := []duckdb.ErrorType{duckdb.ErrorTypeIO, duckdb.ErrorTypeSerialization, duckdb.ErrorTypeFatal, duckdb.ErrorTypeInternal}
	var e *duckdb.Error
	return errors.As(err, &e) && slices.Contains(damage, e.Type)
}
