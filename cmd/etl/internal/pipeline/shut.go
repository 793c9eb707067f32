package pipeline

import (
	"errors"
	"fmt"

	"nightjar/extract"
	"nightjar/extract/transport"
)

// shut says why nothing can be asked of a source, in one line that is the same for
// all its pipelines and windows, with the keys of the configuration to look at;
// empty where err is not about the source as a whole.
func (r *Runner) shut(source string, err error) string {
	kind, signIn := extract.KindOf(err), transport.SigningIn(err)
	keys := ""
	switch {
	case kind == extract.Misdirected && signIn && source == "iadvize":
		keys = "token_url"
	case kind == extract.Misdirected:
		keys = "endpoint"
	case kind == extract.Denied && (signIn || transport.TokenRefused(err)):
		keys = "token (or token_file)"
		if source == "iadvize" || source == "aircall" {
			keys = "username and password (or password_file)"
		}
	case !signIn:
		return ""
	}
	var e *extract.Error
	if !errors.As(err, &e) {
		return ""
	}
	whole := *e
	whole.Stream, whole.Window, whole.Page = "", "", 0
	if keys == "" {
		return whole.Error()
	}
	return fmt.Sprintf("%v; see %s of sources.%s in %s", &whole, keys, source, r.Config.Path)
}

// reasonOf is what the leg and its windows say of an error.
func (l *leg) reasonOf(err error) string {
	if why := l.run.shut(l.Source, err); why != "" {
		return why
	}
	return err.Error()
}

// spared reports whether an earlier leg has found that nothing can be asked of the
// source, and ends this one for the same reason: a wrong password is not tried
// again for every pipeline.
func (l *leg) spared() bool {
	for _, other := range l.run.legs {
		if other != l && other.Source == l.Source && other.closed != "" {
			l.closed, l.repeats = other.closed, true
			l.worsen(Failed, other.closed)
			return true
		}
	}
	return false
}
