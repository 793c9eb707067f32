package load

import (
	"fmt"
	"runtime/debug"
)

// PanicError is a panic that ended a piece of work and not the program, whose
// exit code it would have been: on any goroutine but the main one, nothing above
// could recover it. Wrapped, it says what the work was.
type PanicError struct {
	Value any // of the panic
	stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("a fault in the program: %v", e.Value) }

// Stack is that of the goroutine at the panic, for whoever is to mend it.
func (e *PanicError) Stack() []byte { return e.stack }

// Catch makes a panic the error of the function that defers it. Every function
// that works for another goroutine defers it.
func Catch(err *error) {
	if value := recover(); value != nil {
		*err = &PanicError{value, debug.Stack()}
	}
}
