package landing

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
)

// journalFormat is the version of the journal; a reader refuses newer ones.
const journalFormat = 1

// maxLine bounds one journal line in bytes, and with it a reader's memory.
const maxLine = 16 << 20

const (
	headerLine = "header"
	textLine   = "query"
	pageLine   = "page"
	windowLine = "window"
	endLine    = "end"
	markLine   = "mark"
)

type headerRecord struct {
	Format int `json:"format"`
	Header
}

const (
	typePrefix = `{"type":"`
	crcPrefix  = `,"crc":"`
	crcSuffix  = `"}`
	crcLen     = len(crcPrefix) + 2*crc32.Size + len(crcSuffix)
)

func checksum(b []byte) string {
	return fmt.Sprintf("%08x", crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
}

// appendLine appends record, a struct, as one line of the given type.
func appendLine(dst []byte, kind string, record any) ([]byte, error) {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(record); err != nil {
		return dst, fmt.Errorf("writing a %s line: %w", kind, err)
	}
	start := len(dst)
	dst = append(dst, typePrefix...)
	dst = append(dst, kind...)
	dst = append(dst, `",`...)
	dst = append(dst, body.Bytes()[1:body.Len()-2]...) // without the braces and the line feed
	sum := checksum(dst[start:])
	dst = append(dst, crcPrefix...)
	dst = append(dst, sum...)
	dst = append(dst, crcSuffix...)
	if n := len(dst) - start; n >= maxLine {
		return dst[:start], fmt.Errorf("writing a %s line of %d bytes: the most is %d", kind, n, maxLine)
	}
	return append(dst, '\n'), nil
}

// kindOf checks a line without its line feed and returns its type, "" where the
// line is not what was written.
func kindOf(line []byte) string {
	rest, ok := bytes.CutPrefix(line, []byte(typePrefix))
	if !ok || len(line) < crcLen {
		return ""
	}
	signed := line[:len(line)-crcLen]
	if string(line[len(signed):]) != crcPrefix+checksum(signed)+crcSuffix {
		return ""
	}
	kind, _, _ := bytes.Cut(rest, []byte(`"`))
	return string(kind)
}

// lines yields the lines of a journal that end with a line feed, without it. A
// line is valid until the next one.
func lines(r io.Reader) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		scan := bufio.NewScanner(r)
		scan.Buffer(nil, maxLine+1)
		scan.Split(func(data []byte, atEOF bool) (int, []byte, error) {
			if i := bytes.IndexByte(data, '\n'); i >= 0 {
				return i + 1, data[:i], nil
			}
			if atEOF {
				return len(data), nil, nil
			}
			return 0, nil, nil
		})
		for scan.Scan() {
			if !yield(scan.Bytes(), nil) {
				return
			}
		}
		// A line that never ends is torn or overwritten, like one that does not parse.
		if err := scan.Err(); err != nil && !errors.Is(err, bufio.ErrTooLong) {
			yield(nil, err)
		}
	}
}

func decodePage(line []byte, h Header, known queries) (Landed, error) {
	var l Landed
	if err := json.Unmarshal(line, &l); err != nil {
		return Landed{}, err
	}
	if _, err := hex.DecodeString(l.SHA256); err != nil || l.Bytes < 0 || l.Stored < 0 || l.Offset < 0 || l.Seq < 1 {
		return Landed{}, fmt.Errorf("page line %d makes no sense", l.Seq)
	}
	request, ok := known.join(l.Request)
	if !ok {
		return Landed{}, fmt.Errorf("page line %d refers to a query that is not there", l.Seq)
	}
	l.Ref, l.Request = h.Ref().Page(l.Seq), request
	return l, nil
}
