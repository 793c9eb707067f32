package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"
)

// Secret is a password, token or key. It prints as [redacted] everywhere; Reveal
// is the one way to its text.
type Secret string

const redacted = "[redacted]"

// Reveal returns the secret's text, for the request that carries it.
func (s Secret) Reveal() string { return string(s) }

func (s Secret) String() string               { return redacted }
func (s Secret) GoString() string             { return redacted }
func (s Secret) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// fileOf is the key beside a secret's own, that names a mounted file.
func fileOf(name string) string { return name + "_file" }

// secretFileLimit bounds a mounted secret: a path to something endless is a
// mistake.
const secretFileLimit = 64 << 10

// readSecret reads the key name, or the file that name_file points to.
func readSecret(f field, given map[string]field, name string, to *Secret) {
	direct, isDirect := given[name]
	file, isFile := given[fileOf(name)]
	switch {
	case isDirect && isFile:
		direct.secret = true
		direct.scalar("a secret", []string{"!!str"})
		file.problem("stands beside %s; want one of the two", name)
	case isDirect:
		direct.secret = true
		read(direct, to, secretForm())
		if *to != "" && direct.literal() {
			direct.warn("is written out in this file, where copies and histories of it keep it; want ${VARIABLE}, or %s_file: a mounted secret", name)
		}
	case isFile:
		readSecretFile(file, to)
	case !f.idle:
		f.problem("%s is missing, and %s; want %s: ${VARIABLE}, or %s_file: a mounted secret", name, verbatim(neededBy(f.needed)), name, name)
	}
}

func readSecretFile(f field, to *Secret) {
	path, ok := f.scalar("the path of a mounted secret", []string{"!!str"})
	if !ok {
		return
	}
	text, mode, err := readSecretText(path)
	if err != nil {
		if !f.idle {
			f.problem("%s; want a readable file that holds the secret", verbatim(err.Error()))
		}
		return
	}
	f.secrets = append(f.secrets, text)
	secret, err := secretForm().parse(text)
	if err != nil {
		f.problem("%s: %v", quoted(path), err)
		return
	}
	*to = secret
	switch {
	case mode&0o022 != 0:
		f.warn("%s can be changed by others than its owner (mode %#o); want chmod 600, or 640 for a group that reads it", quoted(path), mode)
	case mode&0o004 != 0:
		f.warn("%s can be read by every user of this machine (mode %#o); want chmod 600, or 640 for a group that reads it", quoted(path), mode)
	}
}

// literal reports whether the text of the field is in the file, and not in the
// environment: as it is, or as the default of a variable.
func (f field) literal() bool {
	e, err := expand(f.node.Value, func(string) (string, bool) { return "", true })
	return err == nil && e.text != ""
}

// readSecretText returns what a mounted secret holds, without the line end that
// editors add, and who may read and write it.
func readSecretText(path string) (string, fs.FileMode, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return "", 0, err
	}
	text, err := io.ReadAll(io.LimitReader(file, secretFileLimit+1))
	switch {
	case err != nil:
		return "", 0, err
	case len(text) > secretFileLimit:
		return "", 0, fmt.Errorf("%s holds more than %d bytes", path, secretFileLimit)
	}
	secret := strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
	if secret == "" {
		return "", 0, fmt.Errorf("%s is empty", path)
	}
	return secret, info.Mode().Perm(), nil
}

func secretForm() form[Secret] {
	return form[Secret]{want: "a secret", tags: []string{"!!str"}, parse: func(text string) (Secret, error) {
		if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return "", errors.New("holds a line break or another control character; want the bare secret")
		}
		return Secret(text), nil
	}}
}
