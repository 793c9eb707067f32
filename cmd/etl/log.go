package main

import (
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// logFormat is the form of the lines on stderr: text for people, or a JSON object each. It
// is the value of a flag.
type logFormat string

const (
	asText  logFormat = "text"
	asLines logFormat = "json"
)

func (f *logFormat) String() string { return string(*f) }

// Type is what the help calls the value.
func (f *logFormat) Type() string { return "format" }

// Set refuses what is no form.
func (f *logFormat) Set(text string) error {
	switch form := logFormat(text); form {
	case asText, asLines:
		*f = form
		return nil
	}
	return errors.New("want text or json")
}

// newLogger logs for the operator, to stderr.
func (a *app) newLogger() *slog.Logger {
	options := &slog.HandlerOptions{Level: slog.LevelInfo}
	if a.quiet {
		options.Level = slog.LevelWarn
	}
	if a.logFormat == asLines {
		options.ReplaceAttr = inSeconds
		return slog.New(slog.NewJSONHandler(a.err, options))
	}
	return slog.New(slog.NewTextHandler(a.err, options))
}

// inSeconds writes a length of time as a number of seconds; JSON has no unit for it.
func inSeconds(_ []string, attr slog.Attr) slog.Attr {
	if attr.Value.Kind() == slog.KindDuration {
		attr.Value = slog.Float64Value(attr.Value.Duration().Round(time.Millisecond).Seconds())
	}
	return attr
}

// complain says on stderr why the command ends without a result: behind a prefix, or as a
// line of the log where others are JSON.
func (a *app) complain(prefix string, err error) {
	if a.logFormat == asLines {
		a.newLogger().Error("the command has failed", "error", err)
		return
	}
	fmt.Fprintf(a.err, "%s%v\n", prefix, err)
}
