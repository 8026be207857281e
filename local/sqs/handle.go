package sqs

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
)

// handle is what a receipt handle says: which receive of which message. Nothing
// of it needs to be stored, so a handle outlives a restart.
type handle struct {
	queue uint64
	seq   uint64
	count uint32
}

const handleSize = 8 + 8 + 4 + 4

func (h handle) encode() string {
	b := make([]byte, 0, handleSize)
	b = binary.BigEndian.AppendUint64(b, h.queue)
	b = binary.BigEndian.AppendUint64(b, h.seq)
	b = binary.BigEndian.AppendUint32(b, h.count)
	// The sum tells a handle from any other text of that length.
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	return base64.StdEncoding.EncodeToString(b)
}

func decodeHandle(s string) (handle, bool) {
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != handleSize || crc32.ChecksumIEEE(b[:20]) != binary.BigEndian.Uint32(b[20:]) {
		return handle{}, false
	}
	return handle{
		queue: binary.BigEndian.Uint64(b), seq: binary.BigEndian.Uint64(b[8:]), count: binary.BigEndian.Uint32(b[16:]),
	}, true
}
