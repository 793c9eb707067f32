package transform

import (
	"fmt"
	"slices"
	"time"

	"nightjar/transform/json"
)

// decoder is the part that all streams share: it parses the page, remembers which
// record is being read, and appends values or rejects.
type decoder struct {
	stream       Stream
	days         calendar
	durationUnit time.Duration

	body      json.Document // the page; its values live until the next one
	variables json.Document // of its request

	page Page
	sent json.Value // the variables; absent where there are none
	from origin
	rows *Rows

	rejects int64 // of the page
	untold  int64 // position of the first one that is not told by itself

	*sheet          // the row being appended
	position int64  // of the record in the page
	key      []byte // of the row being appended, if hasKey
	hasKey   bool
	nested   place      // of the row within the record
	record   json.Value // the whole record
	cleaned  []byte     // a text freed of what is no text
}

// place names a row that is nested in a record; the zero place is the record.
type place struct {
	list  string // "conversions.transactions"
	index int
}

func (p place) String() string {
	if p.list == "" {
		return ""
	}
	return fmt.Sprintf("%s[%d]", p.list, p.index)
}

// Decode implements Decoder.
func (d *decoder) Decode(page Page, body []byte, rows *Rows) {
	d.page, d.rows = page, rows
	d.from = origin{at: page.At.UnixMicro(), ref: append(d.from.ref[:0], page.Ref...)}
	d.position, d.hasKey, d.nested, d.record = 0, false, place{}, json.Value{}
	d.sheet, d.rejects = rows.sheets[0], 0
	for _, s := range rows.sheets {
		s.looks.clear()
	}
	d.sent, _ = d.variables.Parse(page.Variables)
	root, err := d.body.Parse(body)
	if err != nil {
		d.rejectPage("the page is no JSON", body)
		return
	}
	d.stream.read(d, root)
	d.rejectRest()
}

// variable finds a request variable by name, also within other variables; absent
// where there is none.
func (d *decoder) variable(name string) json.Value { return search(d.sent, name) }

func search(v json.Value, name string) json.Value {
	if found := v.Get(name); found.Exists() {
		return found
	}
	for member := range v.Members() {
		if found := search(member, name); found.Exists() {
			return found
		}
	}
	return json.Value{}
}

// recordsOf finds the member of data that has the named list, whatever the member
// is called, and returns the list. Where there is none, the page is rejected.
func (d *decoder) recordsOf(root json.Value, name string) json.Value {
	list := d.member(root, name)
	if list.Kind() != json.Array {
		d.rejectPage("the page holds no list of "+name, root.Raw())
	}
	return list
}

// member finds data.<any>.<name>.
func (d *decoder) member(root json.Value, name string) json.Value {
	for member := range root.Get("data").Members() {
		if found := member.Get(name); found.Exists() {
			return found
		}
	}
	return json.Value{}
}

// begin turns to the next record, whose whole is v. Where v is no object, the
// record is a reject of the table.
func (d *decoder) begin(table int, position int, v json.Value) bool {
	d.sheet = d.rows.sheets[table]
	d.position, d.record, d.hasKey, d.nested = int64(position), v, false, place{}
	return d.isObject(v)
}

// beginNested turns to a row that is nested in the record.
func (d *decoder) beginNested(table int, at place, v json.Value) bool {
	d.sheet = d.rows.sheets[table]
	d.record, d.hasKey, d.nested = v, false, at
	return d.isObject(v)
}

func (d *decoder) isObject(v json.Value) bool {
	switch v.Kind() {
	case json.Object:
		return true
	case json.Null:
		d.rejectRow("the record is null")
	default:
		d.rejectRow("the record is no object")
	}
	return false
}

// setKey gives the row its key, a copy of text.
func (d *decoder) setKey(text []byte) {
	d.key, d.hasKey = append(d.key[:0], text...), true
}

// asked reports whether the page was asked for the next value of the row.
func (d *decoder) asked() bool {
	return !slices.ContainsFunc(d.page.Gaps, func(g Gap) bool {
		return g.Table == d.table.Full() && g.Column == d.table.Columns[d.at].Name
	})
}

// end closes the row.
func (d *decoder) end(day businessDay) { d.sheet.end(d.from, day) }
