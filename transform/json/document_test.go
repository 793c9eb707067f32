package json

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
		var d Document
		root, err := d.Parse(text)
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
		if !bytes.Equal(root.Raw(), bytes.Trim(text, " \t\r\n")) {
			t.Errorf("raw is %q", root.Raw())
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
	open, ok := token.(json.Delim)
	if !ok {
		return token
	}
	all := []any{open.String()}
	for d.More() {
		all = append(all, standardValue(d))
	}
	if _, err := d.Token(); err != nil {
		panic(err)
	}
	return all
}

// tree is a value as standard gives it.
func tree(v Value) any {
	switch v.Kind() {
	case Null:
		return nil
	case True, False:
		return v.Kind() == True
	case Number:
		return json.Number(v.Raw())
	case String:
		return utf8Of(v.Text())
	case Array:
		all := []any{"["}
		for _, e := range v.Elements() {
			all = append(all, tree(e))
		}
		return all
	}
	all := []any{"{"}
	for m := range v.Members() {
		all = append(all, utf8Of([]byte(m.Name())), tree(m))
	}
	return all
}

// utf8Of is text with every byte that is no UTF-8 replaced, as encoding/json has it.
func utf8Of(text []byte) string { return string([]rune(string(text))) }

func TestMembersAreFoundByName(t *testing.T) {
	var d Document
	root, err := d.Parse([]byte(`{"a":1,"\u0062":2,"ab":3,"a":4,"é":{"a":"x\ty"}}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"a": "1", "b": "2", "ab": "3", "é": `{"a":"x\ty"}`, "c": "", "aa": ""} {
		if got := string(root.Get(name).Raw()); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if inner := root.Get("é").Get("a"); string(inner.Text()) != "x\ty" || inner.ASCII() {
		t.Errorf("text is %q, plain ASCII %v", inner.Text(), inner.ASCII())
	}
	if root.Get("a").Get("b").Exists() || root.Get("c").Get("b").Exists() {
		t.Error("what is no object has members")
	}
}

// A text of its own stays good while others are read.
func TestTextsStayAsTheyAre(t *testing.T) {
	var d Document
	root, err := d.Parse([]byte(`["a\tb","c\td"]`))
	if err != nil {
		t.Fatal(err)
	}
	var all [][]byte
	for _, e := range root.Elements() {
		all = append(all, e.Text())
	}
	if string(all[0]) != "a\tb" || string(all[1]) != "c\td" {
		t.Errorf("texts are %q", all)
	}
}
