package landing

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
)

// keptQueries is how many query lines back a page may refer to. It bounds what a
// reader holds where every request has a text of its own.
const keptQueries = 16

// queryLine gives a query's text to the page lines that follow.
type queryLine struct {
	SHA256 string          `json:"sha256"` // of Text, hexadecimal
	Text   json.RawMessage `json:"text"`   // a JSON string, as the request had it
}

// queries are the last texts written to, or read from, a journal, oldest first.
type queries []queryLine

func (q *queries) add(line queryLine) {
	if len(*q) == keptQueries {
		*q = slices.Delete(*q, 0, 1)
	}
	*q = append(*q, line)
}

func (q queries) find(sum string) (json.RawMessage, bool) {
	for _, line := range q {
		if line.SHA256 == sum {
			return line.Text, true
		}
	}
	return nil, false
}

// split replaces the text of a request's query by its hash. The second result is
// the line to write first, nil where the text is among the last ones or there is
// none. Every query that is a string is replaced, so that a reader knows what a
// string there means.
func (q *queries) split(request json.RawMessage) (json.RawMessage, *queryLine) {
	from, to := queryMember(request)
	if from == to {
		return request, nil
	}
	text := request[from:to]
	hash := sha256.Sum256(text)
	sum := hex.EncodeToString(hash[:])
	short := splice(request, from, to, `"`+sum+`"`)
	if _, known := q.find(sum); known {
		return short, nil
	}
	line := queryLine{SHA256: sum, Text: bytes.Clone(text)}
	q.add(line)
	return short, &line
}

// join puts the text back. It reports false where the text is not known.
func (q queries) join(request json.RawMessage) (json.RawMessage, bool) {
	from, to := queryMember(request)
	if from == to {
		return request, true
	}
	text, known := q.find(string(request[from+1 : to-1]))
	return splice(request, from, to, string(text)), known
}

func splice(request json.RawMessage, from, to int, value string) json.RawMessage {
	out := make(json.RawMessage, 0, len(request)-(to-from)+len(value))
	out = append(out, request[:from]...)
	out = append(out, value...)
	return append(out, request[to:]...)
}

// queryMember returns where the value of the object's member "query" is, quotes
// included. Both are zero where there is none or it is no string.
func queryMember(request json.RawMessage) (from, to int) {
	if from, to = member(request, "query"); from == to || request[from] != '"' {
		return 0, 0
	}
	return from, to
}

// member returns where the value of a member of the object is; both are zero where
// there is none.
func member(request json.RawMessage, name string) (from, to int) {
	dec := json.NewDecoder(bytes.NewReader(request))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return 0, 0
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return 0, 0
		}
		var value json.RawMessage
		if dec.Decode(&value) != nil {
			return 0, 0
		}
		if key == name {
			to = int(dec.InputOffset())
			return to - len(value), to
		}
	}
	return 0, 0
}
