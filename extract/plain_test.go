package extract_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"nightjar/extract"
)

func TestPlain(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"plain words", "Cannot query field \"x\" on type \"Y\".", "Cannot query field \"x\" on type \"Y\"."},
		{"letters of every script", "Übergröße не найден 見つかりません لا يوجد नहीं €½²", "Übergröße не найден 見つかりません لا يوجد नहीं €½²"},
		{"a colour", "\x1b[31mred\x1b[0m", "[31mred[0m"},
		{"a window title", "\x1b]0;owned\x07done", "]0;owneddone"},
		{"a control of eight bits", "a\u009b31mb", "a31mb"},
		{"writing turned round", "abc\u202edef\u2066ghi\u2069", "abcdefghi"},
		{"what has no width", "pass\u200bword\ufeff", "password"},
		{"a line that looks like the log's", "no\ntime=now level=INFO\r\nmsg=fine", "no time=now level=INFO  msg=fine"},
		{"other ends of lines", "a\u2028b\u2029c\u0085d", "a b c d"},
		{"no UTF-8", "a\xffb", "a\ufffdb"},

		{"an address", "no contact jane.doe+x@example.com here", "no contact [e-mail] here"},
		{"an address in a URL", "GET /contacts?mail=jane%40example.com failed", "GET /contacts?mail=[e-mail] failed"},
		{"an address in brackets", "<jane@example.com>, again", "<[e-mail]>, again"},
		{"a quoted name", `"jane doe"@example.com`, "[e-mail]"},
		{"an address cut in two by nothing", "jane\u200b@exa\u200bmple.com", "[e-mail]"},
		{"a directive", "unknown directive @include", "unknown directive @include"},

		{"a telephone number", "call +33612345678 is gone", "call +[number] is gone"},
		{"in groups", "06 12 34 56 78; 06.12.34.56.78; 06-12-34-56-78", "[number]; [number]; [number]"},
		{"with its area", "+1 (202) 555-0134!", "+[number]!"},
		{"with a space that does not break", "06\u00a012\u00a034\u00a056\u00a078", "[number]"},
		{"with dashes of a typesetter", "202–555‑0134", "[number]"},
		{"in other digits", "٠٦١٢٣٤٥٦٧٨", "[number]"},
		{"in digits with nothing between", "0612\u200b345\u200b678", "[number]"},
		{"small numbers", "status 503, 10 of 2000 rows, page 3, edges.12.node", "status 503, 10 of 2000 rows, page 3, edges.12.node"},
		{"a list of small numbers", "1, 2, 3, 4, 5, 6, 7, 8", "1, 2, 3, 4, 5, 6, 7, 8"},
		{"at either end", "1234567 and 7654321", "[number] and [number]"},
	} {
		if got := extract.Plain(c.text); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// Whatever a vendor writes, it is one line of printable text, and to clean it
// twice changes nothing.
func FuzzPlain(f *testing.F) {
	for _, seed := range []string{"", "a\x1b[2Jb", "x@y", "(030) - 1234567", "\u202e@\u200b1", "＠1%401234567", "\xff\xfe", "[e-mail]@x", "123[number]4567"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		plain := extract.Plain(text)
		if !utf8.ValidString(plain) || strings.ContainsFunc(plain, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Fatalf("%q became %q", text, plain)
		}
		digits := 0
		for _, r := range plain {
			if digits++; !unicode.IsDigit(r) {
				digits = 0
			}
			if digits >= 7 {
				t.Fatalf("%q became %q, which has a number", text, plain)
			}
		}
		if again := extract.Plain(plain); again != plain {
			t.Fatalf("%q became %q, and that %q", text, plain, again)
		}
	})
}
