package warehouse

import "errors"

// fault is a panic that one of the goroutines below has turned into an error:
// extract.PanicError and load.PanicError.
type fault interface {
	error
	Stack() []byte
}

// IsFault reports whether an error comes from a panic.
func IsFault(err error) bool {
	var f fault
	return errors.As(err, &f)
}

// LogFault tells where in the program a panic was, where err comes from one. It
// is called once for an error, by whoever tells of it last.
func (s *Site) LogFault(err error) {
	var f fault
	if errors.As(err, &f) {
		s.Log.Error("a fault in the program, to be mended there", "error", err, "stack", string(f.Stack()))
	}
}
