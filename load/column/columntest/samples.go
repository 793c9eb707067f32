// Package columntest has values to test on what carries columns.
package columntest

import "github.com/apache/arrow/go/v17/arrow"

// Samples are five values of every type that a table may have, nulls among them, as
// JSON.
var Samples = map[arrow.DataType]string{
	arrow.BinaryTypes.String:                       `["", "a", null, "é\n", "longer than eight bytes"]`,
	arrow.PrimitiveTypes.Int64:                     `[0, -1, null, 9223372036854775807, 7]`,
	arrow.PrimitiveTypes.Int32:                     `[0, -1, null, 2147483647, 7]`,
	arrow.PrimitiveTypes.Int8:                      `[0, -1, null, 127, 7]`,
	arrow.PrimitiveTypes.Float64:                   `[0, -1.5, null, 1e300, 7]`,
	arrow.FixedWidthTypes.Boolean:                  `[true, false, null, true, true]`,
	arrow.FixedWidthTypes.Date32:                   `["1970-01-01", "2026-11-20", null, "2100-01-01", "1999-12-31"]`,
	arrow.FixedWidthTypes.Timestamp_us:             `["1970-01-01T00:00:00Z", "2026-11-20T01:02:03.000004Z", null, "2100-01-01T00:00:00Z", "1999-12-31T23:59:59Z"]`,
	&arrow.Decimal128Type{Precision: 18, Scale: 4}: `["0", "-1.5", null, "99999999999999.9999", "7"]`,
	arrow.ListOf(arrow.BinaryTypes.String):         `[[], ["a"], null, ["é", null, ""], ["x", "y"]]`,
	arrow.ListOf(arrow.PrimitiveTypes.Int64):       `[[], [1], null, [2, null, 3], [4, 5]]`,
}
