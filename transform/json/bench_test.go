package json

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"github.com/valyala/fastjson"
)

// The benchmarks are the reason for the parser: the same text, parsed only.

// pages is a golden page of conversations, two hundred times over, without blanks, as
// vendors send it.
func pages(b *testing.B) []byte {
	b.Helper()
	page, err := os.ReadFile("../testdata/iadvize/plain/page.json")
	if err != nil {
		b.Fatal(err)
	}
	var all bytes.Buffer
	all.WriteByte('[')
	for range 200 {
		if err := json.Compact(&all, page); err != nil {
			b.Fatal(err)
		}
		all.WriteByte(',')
	}
	all.Bytes()[all.Len()-1] = ']'
	return all.Bytes()
}

func benchmark(b *testing.B, parse func(text []byte) error) {
	text := pages(b)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if err := parse(text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	var d Document
	benchmark(b, func(text []byte) error { _, err := d.Parse(text); return err })
}

func BenchmarkParseFastjson(b *testing.B) {
	var p fastjson.Parser
	benchmark(b, func(text []byte) error { _, err := p.ParseBytes(text); return err })
}

func BenchmarkParseEncodingJSON(b *testing.B) {
	benchmark(b, func(text []byte) error { var v any; return json.Unmarshal(text, &v) })
}
