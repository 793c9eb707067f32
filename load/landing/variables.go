package landing

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"

	"github.com/klauspost/compress/zstd"
	"github.com/valyala/gozstd"
)

// variablesMember is the part of a request that stands with the page, in the pack.
const variablesMember = "variables"

// The frame of the variables is a skippable one (RFC 8878, 3.1.2): a number, the size
// of what follows, then the CRC-32C and the size of the text, and the text, compressed.
const (
	skippable   = 0x184D2A50
	frameHeader = 8
	textHeader  = crc32.Size + 4
)

// appendVariables appends the frame of the variables to a compressed page.
func appendVariables(page []byte, variables json.RawMessage) []byte {
	packed := gozstd.CompressLevel(nil, variables, compressionLevel)
	page = binary.LittleEndian.AppendUint32(page, skippable)
	page = binary.LittleEndian.AppendUint32(page, uint32(textHeader+len(packed)))
	page = binary.LittleEndian.AppendUint32(page, crc32.Checksum(variables, crc32.MakeTable(crc32.Castagnoli)))
	page = binary.LittleEndian.AppendUint32(page, uint32(len(variables)))
	return append(page, packed...)
}

var errVariables = errors.New("the variables of its request are not what landed")

// readVariables is the inverse of appendVariables, of the frame alone.
func readVariables(dec *zstd.Decoder, frame []byte) (json.RawMessage, error) {
	if len(frame) < frameHeader+textHeader || binary.LittleEndian.Uint32(frame) != skippable ||
		int(binary.LittleEndian.Uint32(frame[4:])) != len(frame)-frameHeader {
		return nil, errVariables
	}
	size := binary.LittleEndian.Uint32(frame[frameHeader+crc32.Size:])
	if size > maxLine {
		return nil, errVariables
	}
	// The capacity is the bound: what would grow past the recorded size is refused.
	variables, err := dec.DecodeAll(frame[frameHeader+textHeader:], make([]byte, 0, size))
	if err != nil || uint32(len(variables)) != size || crc32.Checksum(variables, crc32.MakeTable(crc32.Castagnoli)) != binary.LittleEndian.Uint32(frame[frameHeader:]) {
		return nil, errVariables
	}
	return variables, nil
}

// cutVariables takes the variables out of a request; nil where it has none.
func cutVariables(request json.RawMessage) (rest, variables json.RawMessage) {
	from, to := member(request, variablesMember)
	if from == to {
		return request, nil
	}
	return splice(request, from, to, "null"), request[from:to]
}

// putVariables is the inverse of cutVariables.
func putVariables(request, variables json.RawMessage) json.RawMessage {
	from, to := member(request, variablesMember)
	if from == to {
		return request
	}
	return splice(request, from, to, string(variables))
}
