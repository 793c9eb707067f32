package config

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// field is a value of the file, with the place to report its problems at.
type field struct {
	*loader
	node *yaml.Node // never an alias: what it stands for
	line int
	path string // "sources.iadvize.rate"

	// needed by these enabled pipelines; nil where by none in particular.
	needed []string
	// idle: no enabled pipeline needs the value, so that its variables may be unset.
	idle bool
	// incomplete: keys may be missing, because nothing uses what they belong to.
	incomplete bool
	// secret: the value is never quoted.
	secret bool
}

// child is the field of a value below f.
func (f field) child(node *yaml.Node, line int, path string) field {
	f.node, f.line, f.path = node, line, path
	if node.Kind == yaml.AliasNode {
		f.node = node.Alias
	}
	return f
}

// quoted is a value of the file in a message, printed in quotes; verbatim is a
// text that holds one.
type (
	quoted   string
	verbatim string
)

func (q quoted) String() string { return strconv.Quote(string(q)) }

// problem reports what is wrong with f. A quoted or verbatim argument that turns
// out to hold a secret takes the message with it.
func (f field) problem(format string, args ...any) {
	f.found = append(f.found, f.finding(format, args))
}

// warn reports what is not wrong with f and had better be otherwise.
func (f field) warn(format string, args ...any) {
	f.warned = append(f.warned, f.finding("warning: "+format, args))
}

func (f field) finding(format string, args []any) finding {
	var values []string
	for _, a := range args {
		switch a := a.(type) {
		case quoted:
			values = append(values, string(a))
		case verbatim:
			values = append(values, string(a))
		}
	}
	return finding{Problem{f.line, f.path, fmt.Sprintf(format, args...)}, values}
}

// read parses f into to. It reports whatever is wrong, and leaves to as it is.
func read[V any](f field, to *V, as form[V]) {
	want := as.want
	if _, err := as.parse(f.node.Value); err == nil && slices.Contains(as.tags, "!!str") && f.node.Value != "" && f.node.Style == 0 {
		want += " (in quotes)" // a literal of another type, which would be right as text
	}
	text, ok := f.scalar(want, as.tags)
	if !ok {
		return
	}
	value, err := as.parse(text)
	if err != nil {
		f.invalid(text, err)
		return
	}
	*to = value
}

// invalid reports a value that its form refuses. Secrets are not quoted, nor is
// anything that may be a URL with a password inside.
func (f field) invalid(text string, err error) {
	if f.secret || strings.Contains(text, "@") && strings.Contains(text, "://") {
		f.problem("%v", err)
		return
	}
	f.problem("%s: %v", quoted(text), err)
}

// scalar returns the text of f, its variables put in; false where there is none,
// which is reported unless nothing needs it.
func (f field) scalar(want string, tags []string) (string, bool) {
	switch {
	case f.node.Kind != yaml.ScalarNode:
		f.problem("is %s; want %s", kindName(f.node), want)
		return "", false
	case f.node.ShortTag() == "!!null":
		f.problem("has no value; want %s", want)
		return "", false
	}
	e, err := expand(f.node.Value, f.env)
	f.conceal(e)
	switch {
	case err != nil:
		f.problem("%v", err)
	case e.unset != "":
		f.reportUnset(e.unset)
	case e.text == "" && e.variables != nil && f.idle:
	case e.text == "" && e.variables != nil:
		f.problem("variable %s is set but empty; want %s", strings.Join(e.variables, ", "), want)
	case e.text == "":
		f.problem("is empty; want %s", want)
	case e.variables == nil && !slices.Contains(tags, f.node.ShortTag()):
		f.wrongType(want)
	default:
		return e.text, true
	}
	return "", false
}

// conceal remembers the text of a secret, and of every variable in it, so that
// no message quotes them.
func (f field) conceal(e expansion) {
	if !f.secret {
		return
	}
	for _, s := range append(e.values, e.text, f.node.Value) {
		if s != "" {
			f.secrets = append(f.secrets, s)
		}
	}
}

func (f field) reportUnset(variable string) {
	if f.idle {
		return
	}
	remedy := "set it, or give it a default: ${" + variable + ":-…}"
	if f.secret {
		remedy = "set it, or name a mounted file: " + fileOf(keyOf(f.path))
	}
	if len(f.needed) == 0 {
		f.problem("variable %s is not set; %s", variable, remedy)
		return
	}
	f.problem("variable %s is not set, and %s; %s", variable, verbatim(neededBy(f.needed)), remedy)
}

func (f field) wrongType(want string) {
	switch {
	case f.secret:
		f.problem("is %s; want %s", kindName(f.node), want)
	case f.node.ShortTag() == "!!str":
		f.problem("%s is text; want %s", quoted(f.node.Value), want)
	default:
		f.problem("%s is %s; want %s", verbatim(f.node.Value), kindName(f.node), want)
	}
}

// neededBy is `pipeline "calls" needs it`.
func neededBy(pipelines []string) string {
	if len(pipelines) == 1 {
		return fmt.Sprintf("pipeline %q needs it", pipelines[0])
	}
	return fmt.Sprintf("pipelines %q need it", pipelines)
}

// keyOf returns the last key of a path.
func keyOf(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

// kindName says what a node is, with its article.
func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.SequenceNode:
		return "a list"
	case yaml.MappingNode:
		return "a mapping"
	}
	known := map[string]string{"!!str": "text", "!!int": "a whole number", "!!float": "a number",
		"!!bool": "true or false", "!!timestamp": "a date", "!!null": "empty"}
	return cmp.Or(known[n.ShortTag()], "of another type")
}

// readList parses each item of f into to. Nothing may be listed twice.
func readList[V comparable](f field, to *[]V, as form[V]) {
	if f.node.Kind != yaml.SequenceNode {
		f.problem("is %s; want a list: each item is %s", kindName(f.node), as.want)
		return
	}
	if len(f.node.Content) == 0 {
		f.problem("is empty; want at least one item: %s", as.want)
		return
	}
	var all []V
	for i, node := range f.node.Content {
		var zero, value V
		item := f.child(node, node.Line, fmt.Sprintf("%s[%d]", f.path, i))
		read(item, &value, as)
		switch {
		case value == zero:
		case slices.Contains(all, value):
			item.problem("%s is listed twice; want it once", quoted(fmt.Sprint(value)))
		default:
			all = append(all, value)
		}
	}
	*to = all
}
