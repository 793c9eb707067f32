package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Load reads and checks the file at path. Env looks a variable up, as
// os.LookupEnv does. Whatever is wrong comes back as one *ValidationError; where
// that is because the file could not be read, it wraps the reason.
//
// A source that no enabled pipeline uses may lack variables and keys; what the
// result says of it is then incomplete.
func Load(path string, env func(string) (string, bool)) (*Config, error) {
	return load(path, env, false)
}

// LoadLocal is Load for a command that asks no vendor: the variables and keys of
// the sources may be missing, as if every pipeline were disabled.
func LoadLocal(path string, env func(string) (string, bool)) (*Config, error) {
	return load(path, env, true)
}

func load(path string, env func(string) (string, bool), local bool) (*Config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, &ValidationError{path, []Problem{{Message: unreadable(err)}}, err}
	}
	return parse(path, data, env, local)
}

func unreadable(err error) string {
	const want = "want a configuration such as the pipelines.yaml that comes with the program, or its path after --config"
	if errors.Is(err, fs.ErrNotExist) {
		return "no such file; " + want
	}
	return fmt.Sprintf("%v; %s", err, want)
}

// loader is the state of one Load.
type loader struct {
	env       func(string) (string, bool)
	local     bool // no source is needed
	config    *Config
	found     []finding
	warned    []finding
	secrets   []string            // what no message may quote
	users     map[string][]string // source → names of the enabled pipelines that use it
	described []string            // the keys of sources
	pipelines []*entry
}

func parse(path string, data []byte, env func(string) (string, bool), local bool) (*Config, error) {
	c := Config{Path: path, Timezone: time.UTC}
	fill(&c, topKeys())
	l := &loader{env: env, local: local, config: &c, users: map[string][]string{}}
	if root := l.document(data); root != nil {
		readMapping(field{loader: l}.child(root, 1, ""), &c, topKeys())
		l.check()
	}
	if len(l.found) > 0 {
		return nil, &ValidationError{File: path, Problems: report(l.found, l.secrets)}
	}
	c.Warnings = report(l.warned, l.secrets)
	return &c, nil
}

// document returns the root of the one YAML document in data; nil where there is
// none, which is reported.
func (l *loader) document(data []byte) *yaml.Node {
	var doc, second yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	if err := decoder.Decode(&doc); errors.Is(err, io.EOF) {
		l.fault(0, "is empty; want version: 1, timezone, sources and pipelines")
		return nil
	} else if err != nil {
		l.syntax(err, data)
		return nil
	}
	switch err := decoder.Decode(&second); {
	case errors.Is(err, io.EOF):
		return doc.Content[0]
	case err != nil:
		l.syntax(err, data)
	default:
		l.fault(second.Line, "a second document begins here; want one document in the file")
	}
	return nil
}

func (l *loader) fault(line int, message string) {
	l.found = append(l.found, finding{Problem: Problem{Line: line, Message: message}})
}

// syntax reports an error of the YAML package under the line that it means.
func (l *loader) syntax(err error, data []byte) {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 1
	if m := regexp.MustCompile(`^line (\d+): `).FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1])
		text = strings.TrimPrefix(text, m[0])
		if fromZero(text) {
			line++
		}
	}
	if m := regexp.MustCompile(`^unknown anchor '(.*)' referenced`).FindStringSubmatch(text); m != nil {
		before, _, _ := strings.Cut(string(data), "*"+m[1])
		line = strings.Count(before, "\n") + 1
	}
	l.fault(line, "no valid YAML: "+text)
}

// fromZero reports whether the message is one of the YAML package's parser, which
// counts lines from zero; its scanner counts from one.
func fromZero(message string) bool {
	return regexp.MustCompile(`^did not find expected (<|node content|key|',' or|'-' indicator)`).MatchString(message)
}
