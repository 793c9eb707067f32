package landing

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

const (
	journalName = "journal.jsonl"
	pageSuffix  = ".json.zst"
	runIDLayout = "20060102T150405.000Z"
)

var (
	identifier = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)
	// What pageRef writes, and nothing else: a page has one name.
	pageName = regexp.MustCompile(`^([0-9]{6}|[1-9][0-9]{6,17})$`)
)

func isIdentifier(s string) bool { return identifier.MatchString(s) }

// isRunID accepts exactly what NewRunID writes.
func isRunID(s string) bool {
	t, err := time.Parse(runIDLayout, s)
	return err == nil && t.Format(runIDLayout) == s
}

// startOf is when a run began, as its id says.
func startOf(runID string) time.Time {
	t, err := time.Parse(runIDLayout, runID)
	if err != nil {
		return time.Time{}
	}
	return t
}

// checkNames refuses whatever must not become a path.
func checkNames(source, stream, runID string) error {
	switch {
	case !isIdentifier(source):
		return fmt.Errorf("source %q is not an identifier (a-z, 0-9 and _)", source)
	case !isIdentifier(stream):
		return fmt.Errorf("stream %q is not an identifier (a-z, 0-9 and _)", stream)
	case !isRunID(runID):
		return fmt.Errorf("run id %q is not of the form 20261120T021500.000Z", runID)
	}
	return nil
}

func pageRef(h Header, seq int) string {
	return fmt.Sprintf("%s/%s/%s/%06d", h.Source, h.Stream, h.RunID, seq)
}

func journalRef(source, stream, runID string) string {
	return source + "/" + stream + "/" + runID + "/" + journalName
}

// filePath is the file of a page or of a journal, by its reference.
func (z *Zone) filePath(ref string) (string, error) {
	if run, ok := strings.CutSuffix(ref, "/"+journalName); ok {
		path, err := z.pagePath(run + "/000000")
		return filepath.Join(filepath.Dir(path), journalName), err
	}
	return z.pagePath(ref)
}

// IsJournal reports whether a reference is to a run's journal.
func IsJournal(ref string) bool { return strings.HasSuffix(ref, "/"+journalName) }

// pagePath is the file of a page. The reference may come from outside, so it is
// checked part by part.
func (z *Zone) pagePath(ref string) (string, error) {
	part := strings.Split(ref, "/")
	if len(part) != 4 || !pageName.MatchString(part[3]) {
		return "", fmt.Errorf("%q is no reference to a landed page", ref)
	}
	if err := checkNames(part[0], part[1], part[2]); err != nil {
		return "", fmt.Errorf("reading the reference %q: %w", ref, err)
	}
	return filepath.Join(z.dir, filepath.FromSlash(ref)+pageSuffix), nil
}
