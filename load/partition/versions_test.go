package partition

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"pgregory.net/rapid"

	"nightjar/load"
)

// version is one sighting of a record.
type version struct {
	key   string
	page  int // sorts versions; also the page name
	day   int32
	value string
	tags  []string
}

// kept is a row of a table as a test sees it.
type kept struct {
	Value string
	Tags  []string
	Page  string
	Seen  int64
}

var testTable = load.Table{
	Schema: "test", Name: "rows", Key: []string{"id"},
	Arrow: arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.BinaryTypes.String},
		{Name: "value", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "tags", Type: arrow.ListOf(arrow.BinaryTypes.String), Nullable: true},
		{Name: "amount", Type: &arrow.Decimal128Type{Precision: 18, Scale: 4}, Nullable: true},
		{Name: load.ExtractedAt, Type: arrow.FixedWidthTypes.Timestamp_us},
		{Name: load.Page, Type: arrow.BinaryTypes.String},
	}, nil),
}

func pageName(n int) string { return fmt.Sprintf("src/stream/run/%06d", n) }

// numberOf is the number of a page, -1 for none.
func numberOf(page string) int {
	n, err := strconv.Atoi(page[strings.LastIndexByte(page, '/')+1:])
	if err != nil {
		return -1
	}
	return n
}

// record builds an incoming record.
func record(mem memory.Allocator, versions []version) arrow.Record {
	schema := arrow.NewSchema(append(testTable.Arrow.Fields(), arrow.Field{Name: load.BusinessDate, Type: arrow.FixedWidthTypes.Date32, Nullable: true}), nil)
	b := array.NewRecordBuilder(mem, schema)
	defer b.Release()
	for _, v := range versions {
		b.Field(0).(*array.StringBuilder).Append(v.key)
		if v.value == "" {
			b.Field(1).AppendNull()
		} else {
			b.Field(1).(*array.StringBuilder).Append(v.value)
		}
		tags := b.Field(2).(*array.ListBuilder)
		if v.tags == nil {
			tags.AppendNull()
		} else {
			tags.Append(true)
			for _, tag := range v.tags {
				tags.ValueBuilder().(*array.StringBuilder).Append(tag)
			}
		}
		b.Field(3).AppendNull()
		b.Field(4).(*array.TimestampBuilder).Append(arrow.Timestamp(v.page))
		b.Field(5).(*array.StringBuilder).Append(pageName(v.page))
		if v.day < 0 {
			b.Field(6).AppendNull()
		} else {
			b.Field(6).(*array.Date32Builder).Append(arrow.Date32(v.day))
		}
	}
	return b.NewRecord()
}

// model is what the table must hold after all versions: of each key the newest
// content, with the page of its first sighting in the last unbroken run of it.
func model(versions []version) map[Partition]map[string]kept {
	ordered := slices.Clone(versions)
	slices.SortStableFunc(ordered, func(a, b version) int { return a.page - b.page })
	type state struct {
		v     version
		first int
	}
	byKey := map[string]state{}
	for _, v := range ordered {
		s, seen := byKey[v.key]
		if !seen || s.v.value != v.value || s.v.day != v.day || !slices.Equal(s.v.tags, v.tags) || (s.v.tags == nil) != (v.tags == nil) {
			s.first = v.page
		}
		s.v = v
		byKey[v.key] = s
	}
	all := map[Partition]map[string]kept{}
	for key, s := range byKey {
		p := None
		if s.v.day >= 0 {
			p = Month.Of(s.v.day)
		}
		if all[p] == nil {
			all[p] = map[string]kept{}
		}
		all[p][key] = kept{Value: s.v.value, Tags: s.v.tags, Page: pageName(s.first), Seen: int64(s.first)}
	}
	return all
}

// contentDay ties the day to the value, as a business date is tied to a column.
func contentDay(value string) int32 {
	return map[string]int32{"a": 20000, "b": 20005, "c": 20040, "d": -1}[value]
}

func drawVersions(t *rapid.T, from int) []version {
	versions := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) version {
		value := rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "value")
		return version{
			key:   rapid.SampledFrom([]string{"k1", "k2", "k3", "k4", "k5", "k6"}).Draw(t, "key"),
			page:  from + rapid.IntRange(0, 9).Draw(t, "page"),
			value: value, day: contentDay(value),
			tags: rapid.SampledFrom([][]string{nil, {}, {"x"}, {"x", "é\n"}}).Draw(t, "tags"),
		}
	}), 0, 40).Draw(t, "versions")
	// A page shows a key once.
	seen := map[string]bool{}
	return slices.DeleteFunc(versions, func(v version) bool {
		id := fmt.Sprint(v.key, v.page)
		defer func() { seen[id] = true }()
		return seen[id]
	})
}

func tempDir(t testing.TB) string { return t.(interface{ TempDir() string }).TempDir() }
