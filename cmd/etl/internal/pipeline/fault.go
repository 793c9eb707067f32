package pipeline

import "errors"

// fault is a panic that one of the goroutines below has turned into an error:
// extract.PanicError and load.PanicError.
type fault interface {
	error
	Stack() []byte
}

// faultOf returns the panic that err comes from, nil where it comes from none.
func faultOf(err error) fault {
	var f fault
	if !errors.As(err, &f) {
		return nil
	}
	return f
}

// logFault tells where in the program a panic was, where err comes from one. It
// is called once for an error, by whoever tells of it last.
func (r *Runner) logFault(err error) {
	if f := faultOf(err); f != nil {
		r.Log.Error("a fault in the program, to be mended there", "error", err, "stack", string(f.Stack()))
	}
}
