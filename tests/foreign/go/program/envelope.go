package program

import (
	"encoding/binary"
	"io"
)

// Enveloped puts a message behind the five bytes that gRPC and Connect's streams put before each.
func Enveloped(flags byte, message []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{flags}, uint32(len(message))), message...)
}

// ReadEnveloped reads one message from behind such bytes.
func ReadEnveloped(from io.Reader) (flags byte, message []byte, err error) {
	head := make([]byte, 5)
	if _, err = io.ReadFull(from, head); err != nil {
		return 0, nil, err
	}
	message = make([]byte, binary.BigEndian.Uint32(head[1:]))
	_, err = io.ReadFull(from, message)
	return head[0], message, err
}
