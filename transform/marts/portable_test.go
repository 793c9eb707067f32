package marts_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"nightjar/transform"
)

// The text of every mart keeps to what DuckDB, Trino and Spark read alike, and reads
// the tables that the mart declares.
func TestPortable(t *testing.T) {
	for _, m := range transform.Marts() {
		for _, problem := range unportable(m.Query) {
			t.Errorf("%s.sql: %s", m.Name, problem)
		}
		reads := tablesOf(tokensOf(m.Query))
		if want := slices.Sorted(slices.Values(m.Reads)); !slices.Equal(reads, want) {
			t.Errorf("%s.sql reads %v, and the mart declares %v", m.Name, reads, want)
		}
		if !strings.Contains(m.Query, "etl.final_through WHERE records = '"+m.Final+"'") {
			t.Errorf("%s.sql does not go by the last final day of %s", m.Name, m.Final)
		}
	}
}

// Each rule bites, and only where it should.
func TestPortableBites(t *testing.T) {
	for query, want := range map[string]string{
		"SELECT a::BIGINT FROM t":                                           `":" is not portable`,
		"SELECT a, count(*) FROM t GROUP BY ALL":                            "BY ALL",
		"SELECT count(*) FROM t GROUP BY all":                               "BY ALL",
		"SELECT count(*) FILTER (a > 1) FROM t":                             "FILTER without WHERE",
		"SELECT * FROM t":                                                   "names no columns",
		"SELECT t.* FROM t":                                                 "names no columns",
		"SELECT a, * FROM t":                                                "names no columns",
		"SELECT a / b FROM t":                                               "divides what is no CAST",
		"SELECT CAST(a AS BIGINT) / b FROM t":                               "divides what is no CAST",
		"SELECT (CAST(a AS DOUBLE)) / b FROM t":                             "divides what is no CAST",
		"SELECT CAST(a AS DOUBLE) / b / c FROM t":                           "divides what is no CAST",
		"SELECT CAST(a AS DOUBLE) // b FROM t":                              "divides what is no CAST",
		"SELECT a FROM t JOIN u USING (a)":                                  "USING",
		"SELECT getvariable('a') FROM t":                                    `function getvariable`,
		"SELECT timezone('UTC', a) FROM t":                                  `function timezone`,
		"SELECT list_contains(a, b) FROM t":                                 `function list_contains`,
		"SELECT a + INTERVAL '1' DAY FROM t":                                "INTERVAL",
		"SELECT a AT TIME ZONE 'UTC' FROM t":                                "ZONE",
		"SELECT 0.75 * a FROM t":                                            "literal 0.75",
		"SELECT .5 * a FROM t":                                              "literal .5",
		"SELECT a FROM t ORDER BY a":                                        "ORDER BY without NULLS",
		"SELECT a FROM t ORDER BY a NULLS LAST, coalesce(b, c)":             "ORDER BY without NULLS",
		"SELECT sum(a) OVER (PARTITION BY b ORDER BY c) FROM t":             "ORDER BY without NULLS",
		"SELECT a FROM t QUALIFY b = 1":                                     "QUALIFY",
		"SELECT [a, b] FROM t":                                              `"[" is not portable`,
		"SELECT {'a': b} FROM t":                                            `"{" is not portable`,
		"SELECT a AS \"b\" FROM t":                                          `"\"" is not portable`,
		"SELECT a FROM t; SELECT b FROM t":                                  `";" is not portable`,
		"SELECT a FROM t WHERE b ILIKE 'c'":                                 "ILIKE",
		"SELECT CAST(a AS HUGEINT) FROM t":                                  "type HUGEINT",
		"SELECT CAST(a AS TIMESTAMPTZ) FROM t":                              "type TIMESTAMPTZ",
		"SELECT a == b FROM t":                                              `"==" is not portable`,
		"SELECT a FROM t LEFT JOIN u ON t.a = u.a ASOF JOIN v ON u.a = v.a": "ASOF",
	} {
		found := strings.Join(unportable(query), "\n")
		if !strings.Contains(found, want) {
			t.Errorf("%s: found %q, want %q", query, found, want)
		}
	}
	for _, query := range []string{
		"SELECT 2 * count(*) FILTER (WHERE a = 'x/y * 0.5 :: [') AS n FROM t -- a / b, 0.5::DOUBLE",
		"SELECT CAST(a + 0.75E0 AS DOUBLE) / (b * 2) AS q, CAST(c AS DECIMAL(38, 4)) AS d FROM t",
		"SELECT sum(a) OVER (PARTITION BY b ORDER BY c NULLS LAST, coalesce(d, 0) DESC NULLS FIRST) AS s FROM t ORDER BY b NULLS LAST",
	} {
		if found := unportable(query); len(found) > 0 {
			t.Errorf("%s: %v", query, found)
		}
	}
}

// A mart that is cut by a date has it, as every vendor table that it reads has; one that
// is not says why.
func TestCut(t *testing.T) {
	dates := map[string][]string{}
	for _, table := range slices.Concat(transform.ClosedConversations().Tables, transform.Calls().Tables, transform.Waves().Tables, transform.Messages().Tables) {
		for _, c := range table.Columns {
			if c.Type.String() == "date32" {
				dates[table.Full()] = append(dates[table.Full()], c.Name)
			}
		}
	}
	for _, m := range transform.Marts() {
		if (m.Cut == "") == (m.Whole == "") {
			t.Errorf("%s is cut by %q, and is whole because %q", m.Name, m.Cut, m.Whole)
		}
		if m.Cut == "" {
			continue
		}
		if !slices.ContainsFunc(m.Columns, func(c transform.Column) bool { return c.Name == m.Cut && c.Type.String() == "date32" }) {
			t.Errorf("%s has no date %s", m.Name, m.Cut)
		}
		for _, table := range m.Reads {
			if !strings.HasPrefix(table, "etl.") && !slices.Contains(dates[table], m.Cut) {
				t.Errorf("%s is cut by %s, which %s does not have", m.Name, m.Cut, table)
			}
		}
	}
}

// functions are those that all engines have, with the same result for the same bits.
var functions = []string{"COUNT", "SUM", "MIN", "MAX", "LAG", "NULLIF", "COALESCE", "SQRT", "ROUND", "GREATEST", "LEAST", "CAST", "DECIMAL"}

// beforeParenthesis are words that stand before one and are no functions.
var beforeParenthesis = []string{"AS", "IN", "OVER", "FILTER", "WHERE", "AND", "OR", "NOT", "ON", "THEN", "ELSE", "WHEN", "FROM", "SELECT", "HAVING", "BY", "EXISTS", "ALL"}

// refused are words of one engine, or of which each has its own idea.
var refused = []string{"USING", "NATURAL", "INTERVAL", "ZONE", "QUALIFY", "ILIKE", "SIMILAR", "GLOB", "ASOF", "POSITIONAL", "SEMI", "ANTI",
	"EXCLUDE", "PIVOT", "UNPIVOT", "SAMPLE", "TABLESAMPLE", "LATERAL", "UNNEST", "EXPLODE", "TRY_CAST", "LIMIT", "OFFSET", "FETCH"}

var types = []string{"BIGINT", "DOUBLE", "DATE", "VARCHAR", "BOOLEAN", "DECIMAL"}

// unportable lists what the text has that not every engine reads alike.
func unportable(query string) []string {
	var found []string
	tokens := tokensOf(query)
	for i, tok := range tokens {
		at := func(n int) string {
			if i+n < 0 || i+n >= len(tokens) {
				return ""
			}
			return strings.ToUpper(tokens[i+n])
		}
		word := at(0)
		problem := ""
		switch {
		case slices.Contains(refused, word):
			problem = word + " is not portable"
		case word == "ALL" && at(-1) == "BY":
			problem = "BY ALL names no columns"
		case word == "FILTER" && (at(1) != "(" || at(2) != "WHERE"):
			problem = "FILTER without WHERE"
		case word == "*" && !(at(-1) == "(" && at(1) == ")") && (slices.Contains([]string{"SELECT", "DISTINCT", ",", ".", "("}, at(-1))):
			problem = "* names no columns"
		case word == "/" && !endsCast(tokens[:i]):
			problem = "/ divides what is no CAST(… AS DOUBLE)"
		case isNumber(tok) && strings.Contains(tok, ".") && !strings.Contains(word, "E"):
			problem = "literal " + tok + " is a decimal to one engine and a double to another"
		case word == "ORDER" && at(1) == "BY":
			problem = looseOrder(tokens[i+2:])
		case at(1) == "(" && isWord(tok) && !slices.Contains(functions, word) && !slices.Contains(beforeParenthesis, word) && !(at(2) == "SELECT" && at(-1) == ""):
			problem = "function " + tok + " is not known to be portable"
		case word == "AS" && castOpen(tokens[:i]) && !slices.Contains(types, at(1)):
			problem = "type " + at(1) + " is not portable"
		case !isWord(tok) && !isNumber(tok) && !strings.HasPrefix(tok, "'") && !slices.Contains(symbols, tok):
			problem = fmt.Sprintf("%q is not portable", tok)
		}
		if problem != "" {
			found = append(found, problem)
		}
	}
	return found
}
