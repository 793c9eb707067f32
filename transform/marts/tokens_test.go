package marts_test

import (
	"regexp"
	"slices"
	"strings"
)

// token is a comment, a text, a number, a word, an operator of several signs, or one
// sign.
var token = regexp.MustCompile(`--[^\n]*|'(?:[^']|'')*'|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[A-Za-z_]\w*|<=|>=|<>|==|\|\||\S`)

var symbols = []string{"(", ")", ",", ".", "+", "-", "*", "/", "=", "<", ">", "<=", ">=", "<>", "||"}

// tokensOf is the text without its comments.
func tokensOf(query string) []string {
	return slices.DeleteFunc(token.FindAllString(query, -1), func(tok string) bool { return strings.HasPrefix(tok, "--") })
}

func isWord(tok string) bool { return regexp.MustCompile(`^[A-Za-z_]`).MatchString(tok) }

func isNumber(tok string) bool { return regexp.MustCompile(`^\.?\d`).MatchString(tok) }

// opening is the place of the parenthesis that the last token closes, or, where it is
// not one, that is still open before it; -1 where there is none.
func opening(tokens []string, depth int) int {
	for i := len(tokens) - 1; i >= 0; i-- {
		switch tokens[i] {
		case ")":
			depth++
		case "(":
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// endsCast reports whether the tokens end with CAST(… AS DOUBLE).
func endsCast(tokens []string) bool {
	n := len(tokens)
	if n < 5 || tokens[n-1] != ")" || !strings.EqualFold(tokens[n-2], "DOUBLE") || !strings.EqualFold(tokens[n-3], "AS") {
		return false
	}
	i := opening(tokens, 0)
	return i > 0 && strings.EqualFold(tokens[i-1], "CAST")
}

// castOpen reports whether the tokens stand directly in a CAST( that is not closed.
func castOpen(tokens []string) bool {
	i := opening(tokens, 1)
	return i > 0 && strings.EqualFold(tokens[i-1], "CAST")
}

// looseOrder looks for an item of an ORDER BY that does not say where nulls go.
func looseOrder(tokens []string) string {
	depth, item := 0, []string{}
	ends := func() bool {
		n := len(item)
		return n >= 2 && strings.EqualFold(item[n-2], "NULLS") && (strings.EqualFold(item[n-1], "LAST") || strings.EqualFold(item[n-1], "FIRST"))
	}
	for _, tok := range tokens {
		switch tok {
		case "(":
			depth++
		case ")":
			depth--
		}
		over := depth < 0 || depth == 0 && (strings.EqualFold(tok, "ROWS") || strings.EqualFold(tok, "RANGE"))
		if over {
			break
		}
		if tok == "," && depth == 0 {
			if !ends() {
				return "ORDER BY without NULLS FIRST or LAST"
			}
			item = nil
			continue
		}
		item = append(item, tok)
	}
	if !ends() {
		return "ORDER BY without NULLS FIRST or LAST"
	}
	return ""
}

// tablesOf are the tables that the text reads, sorted: those it names with a schema.
func tablesOf(tokens []string) []string {
	var tables []string
	for i, tok := range tokens {
		if word := strings.ToUpper(tok); (word == "FROM" || word == "JOIN") && i+3 < len(tokens) && tokens[i+2] == "." {
			tables = append(tables, tokens[i+1]+"."+tokens[i+3])
		}
	}
	slices.Sort(tables)
	return slices.Compact(tables)
}
