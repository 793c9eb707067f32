package extract

import (
	"regexp"
	"strings"
	"unicode"
)

// Plain returns a vendor's words as an error may hold them: printable, and without
// what looks like an e-mail address or a telephone number. Whoever makes an error
// or a finding of a vendor's words passes them through it, so that journals,
// tables, logs and terminals can take them as they are. Secrets are to be blanked
// before, and long texts cut after: half of either is not recognised.
func Plain(text string) string {
	return withoutNumbers(mailbox.ReplaceAllString(Printable(text), "[e-mail]"))
}

// Printable returns text as one line that does nothing to a terminal but fill it.
// White space becomes spaces. Control characters, escape sequences' beginnings,
// the marks that turn the direction of writing and what has no width are dropped;
// letters, digits and signs of every script stay.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsPrint(r):
			return r
		}
		return -1
	}, text)
}

// mailbox finds an address, also as a URL spells it, and whatever is written on
// either side of the sign.
var mailbox = regexp.MustCompile(`(?i)(?:"[^"]*"|[^\s@<>()\[\],;:"'=|/\\]+)(?:@|%40|＠)[^\s@<>()\[\],;:"'|/\\]+`)

const (
	fewestDigits  = 7 // of a telephone number without its area
	mostBetween   = 3 // signs between two digits of a number, as in "(030) - 12"
	numberBetween = " .-/()+‐‑‒–—−"
)

// withoutNumbers returns text with every run of digits that may be a telephone
// number replaced, whatever groups it is written in.
func withoutNumbers(text string) string {
	var out strings.Builder
	kept, first, last := 0, 0, 0 // bytes copied; the run at hand
	digits, between := 0, 0
	flush := func() {
		if digits >= fewestDigits {
			out.WriteString(text[kept:first])
			out.WriteString("[number]")
			kept = last
		}
		digits, between = 0, 0
	}
	for i, r := range text {
		switch {
		case unicode.IsDigit(r):
			if digits == 0 {
				first = i
			}
			digits, between, last = digits+1, 0, i+len(string(r))
		case digits > 0 && between < mostBetween && strings.ContainsRune(numberBetween, r):
			between++
		default:
			flush()
		}
	}
	flush()
	if kept == 0 {
		return text
	}
	return out.String() + text[kept:]
}
