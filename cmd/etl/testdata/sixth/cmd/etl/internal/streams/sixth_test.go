package streams_test

import (
	"strings"
	"testing"
)

// What is generated of the tables knows the vendor.
func TestSixthIsInTheDictionary(t *testing.T) {
	text := string(dictionary())
	for _, want := range []string{"### `sixth.tickets`", "| `opened_date` | DATE | Business day of opened_at |", "| `subject` | VARCHAR | What the customer wrote |  | subject | free text |"} {
		if !strings.Contains(text, want) {
			t.Errorf("the data dictionary lacks %q", want)
		}
	}
}
