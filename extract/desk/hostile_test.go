package desk

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-faster/jx"

	"nightjar/extract"
)

// What a stranger names its fields is told in print, and no more than some of it.
func TestFieldsOfAStranger(t *testing.T) {
	var fields strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&fields, `"a%d":0,`, i)
	}
	body := `{"conversations":[{"\u001b[2J":1,"jane@example.com":2,"` + strings.Repeat("n", 1<<16) + `":3,` + fields.String() + `"id":1}],"pagination":{"hasMorePages":false}}`
	seen := reading{field: "updatedAt", named: true}
	err := seen.read(jx.DecodeStr(body))
	findings := seen.differences()
	if err != nil || len(findings) == 0 || len(findings) > 200 {
		t.Fatalf("%d findings, %v", len(findings), err)
	}
	for _, f := range findings {
		if f.Path != extract.Plain(f.Path) || len(f.Path) > 150 || f.Path == "Conversation.id" {
			t.Errorf("finding %q", f.Path)
		}
	}
}

// A token is blanked wherever it stands, and nothing else changes.
func TestBlanked(t *testing.T) {
	for _, c := range []struct{ body, want string }{
		{`{"a": [1, {"b": "token"}]}`, `{"a": [1, {"b": "token"}]}`},
		{`{"token": null}`, `{"token": null}`},
		{`{"a":[{"Token":"x","b":1.50}],"\u0074oken":{"c":["y"]},"token":"z"}`, `{"a":[{"Token":null,"b":1.50}],"token":null,"token":null}`},
	} {
		if got, err := blanked([]byte(c.body)); err != nil || string(got) != c.want {
			t.Errorf("%s: got %s, %v", c.body, got, err)
		}
	}
}
