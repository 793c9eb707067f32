package warehouse

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"nightjar/load"
	"nightjar/transform"
)

// MadeBy says in one line what makes a mart: its query, and all that is declared of it.
// A mart of which it says something else is computed whole.
func MadeBy(mart load.Mart) string {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q %q %q %q\n", mart.Query, mart.Comment, mart.Key, mart.Reads, mart.Cut, mart.Final)
	for _, f := range mart.Arrow.Fields() {
		id, _ := f.Metadata.GetValue(transform.MetaFieldID)
		comment, _ := f.Metadata.GetValue(transform.MetaComment)
		fmt.Fprintf(h, "%s %q %s %q\n", id, f.Name, f.Type, comment)
	}
	return hex.EncodeToString(h.Sum(nil))
}
