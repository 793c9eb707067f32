package transform

import (
	"bytes"
	"encoding/json"
	"io"
	"reflect"
	"strings"
	"testing"
)

// seeds are texts on the border of what is JSON.
var seeds = []string{
	``, ` `, `null`, `tru`, `truex`, `-`, `-0`, `01`, `0.`, `1.5`, `1e`, `1E+9`, `.5`, `1 2`, `[]`, `[1,]`, `[1 2]`, `{}`, `{"a":1,}`, `{"a" 1}`, `{a:1}`, `{"":0}`,
	` { "a" : [ 1 , "b" , { "c" : null } , true , false ] , "a" : 2 } `,
	`"plain and longer than eight bytes"`, `"é😀"`, `"\u00e9\n\"\\\/\b\f\r\t"`, `"\ud83d\ude00"`, `"\ud83d"`, `"\ud83dx"`, `"\ud83d\u0041"`, `"\ude00\ud83d"`, `"\u12"`, `"\x"`, `"\`, `"open`,
	"\"\x01\"", "\"1234567\x1f\"", "\"\x7f\x80\xff\"", `{"\u0061b":1}`, `{"1234567":"12345678"}`,
	strings.Repeat("[", 600) + strings.Repeat("]", 600), strings.Repeat("[", 500) + strings.Repeat("]", 500),
}

// FuzzDocument holds the parser to what encoding/json makes of the same text.
func FuzzDocument(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var d document
		root, err := d.parse(text)
		want, ok := standard(text)
		if deep := bytes.Count(text, []byte("["))+bytes.Count(text, []byte("{")) >= nesting; err != nil != !ok && !deep {
			t.Fatalf("parse: %v; encoding/json accepts it: %v", err, ok)
		}
		if err != nil {
			return
		}
		if got := tree(root); !reflect.DeepEqual(got, want) {
			t.Errorf("the tree is %v, want %v", got, want)
		}
		if !bytes.Equal(root.raw(), bytes.Trim(text, " \t\r\n")) {
			t.Errorf("raw is %q", root.raw())
		}
	})
}

// standard is the text as encoding/json reads it; objects are lists of names and
// values, so that none of the same name is lost.
func standard(text []byte) (any, bool) {
	if !json.Valid(text) {
		return nil, false
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	v := standardValue(d)
	_, err := d.Token()
	return v, err == io.EOF
}

func standardValue(d *json.Decoder) any {
	token, err := d.Token()
	if err != nil {
		panic(err) // the text is valid
	}
	var all []any
	switch token := token.(type) {
	case string:
		return strings.ReplaceAll(token, "\x00", "\uFFFD") // as clean has it
	case json.Delim:
		all = append(all, token.String())
	default:
		return token
	}
	for d.More() {
		all = append(all, standardValue(d))
	}
	if _, err := d.Token(); err != nil {
		panic(err)
	}
	return all
}

// tree is a value as standard gives it.
func tree(v value) any {
	switch v.kind() {
	case isNull:
		return nil
	case isTrue, isFalse:
		return v.kind() == isTrue
	case isNumber:
		return json.Number(v.raw())
	case isString:
		return string(clean(nil, v.text()))
	case isArray:
		all := []any{"["}
		for _, e := range v.elements() {
			all = append(all, tree(e))
		}
		return all
	}
	all := []any{"{"}
	for m := range v.members() {
		all = append(all, string(clean(nil, []byte(m.name()))), tree(m))
	}
	return all
}

func TestMembersAreFoundByName(t *testing.T) {
	var d document
	root, err := d.parse([]byte(`{"a":1,"\u0062":2,"ab":3,"a":4,"é":{"a":"x\ty"}}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"a": "1", "b": "2", "ab": "3", "é": `{"a":"x\ty"}`, "c": "", "aa": ""} {
		if got := string(root.get(name).raw()); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if inner := root.get("é").get("a"); string(inner.text()) != "x\ty" || inner.ascii() {
		t.Errorf("text is %q, plain ASCII %v", inner.text(), inner.ascii())
	}
	if root.get("a").get("b").exists() || root.get("c").get("b").exists() {
		t.Error("what is no object has members")
	}
}

// A text of its own stays good while others are read.
func TestTextsStayAsTheyAre(t *testing.T) {
	var d document
	root, err := d.parse([]byte(`["a\tb","c\td"]`))
	if err != nil {
		t.Fatal(err)
	}
	var all [][]byte
	for _, e := range root.elements() {
		all = append(all, e.text())
	}
	if string(all[0]) != "a\tb" || string(all[1]) != "c\td" {
		t.Errorf("texts are %q", all)
	}
}
