package sandbox

import (
	"fmt"
	"slices"
	"strings"
)

// faultSet is the faults that are switched on.
type faultSet map[string]bool

func (f faultSet) has(name string) bool { return f[name] }

// behaviour is a fault that a vendor carries out itself: in what it holds, or in
// how it answers.
type behaviour struct{ name, doc string }

func behaviours() []behaviour {
	return []behaviour{
		{"alias-limit", fmt.Sprintf("volt refuses requests of more than %d root fields, over status 200", voltAliases)},
		{"bare-paging", "volt's pageInfo is all null; before takes the id or the time of the oldest message"},
		{"cap", "aircall stops at 10,000 calls, or half of them, while totalCount tells all"},
		{"desk-rate", "desk holds to its 120 requests a minute, its reset told in seconds or as an epoch"},
		{"dirty", "a few values are none: a score of 7, an NPS of -1, dates that do not exist, ids as numbers; null records stand between the others"},
		{"drift", "aircall inserts calls between pages, twenty in all"},
		{"exclusive", "iadvize excludes both ends of the interval"},
		{"expire", "tokens die early, refused in every documented form"},
		{"far-waves", "volt's wave ids leap by 100,000 half way, as if other customers' waves had them"},
		{"late", "answers, transactions and notes arrive as late as they ever do"},
		{"login-limit", "iadvize refuses the first two logins with 429"},
		{"meta-page", "desk tells its paging in meta.page only"},
		{"no-introspection", "GraphQL vendors refuse introspection"},
		{"no-paging", fmt.Sprintf("iadvize takes no paging arguments, gives the first %d of an interval, and transactions have no id", iadvizePage)},
		{"null-nodes", "aircall answers nodes: null at every ninth page"},
		{"number-ids", "volt sends every id of a wave or message as a number"},
		{"partial", "pages hold fewer rows than were asked for"},
		{"reorder", "aircall changes its order during every other sweep"},
		{"repeat-cursor", "iadvize's second page repeats its cursor for ever"},
		{"taken-back", "iadvize cancels purchases, gives some of them back and corrects others; aircall's notes are deleted"},
		{"time-forms", "volt writes times in six forms: with a blank or a T, with and without fraction, as epoch seconds and milliseconds"},
		{"wide", "iadvize answers 504 to intervals that hold more than 400 conversations (times the scale)"},
	}
}

// FaultNames lists the faults that Options.Faults takes, sorted.
func FaultNames() []string {
	var names []string
	for _, b := range append(behaviours(), schemaFaults()...) {
		names = append(names, b.name)
	}
	for _, f := range wireFaults() {
		names = append(names, f.name)
	}
	slices.Sort(names)
	return names
}

// FaultDoc says in one line what a fault does; it is empty for a name that is
// none.
func FaultDoc(name string) string {
	for _, b := range append(behaviours(), schemaFaults()...) {
		if b.name == name {
			return b.doc
		}
	}
	for _, f := range wireFaults() {
		if f.name == name {
			return fmt.Sprintf("%s, at every %dth request", f.doc, f.every)
		}
	}
	return ""
}

func parseFaults(names []string) (faultSet, error) {
	set, known := faultSet{}, FaultNames()
	for _, name := range names {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("fault %q is none of %s", name, strings.Join(known, ", "))
		}
		set[name] = true
	}
	return set, nil
}
