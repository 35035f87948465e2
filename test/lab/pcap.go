package lab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"
)

// Fields of the classic pcap file format, here always little-endian with nanoseconds.
const (
	pcapMagic    = 0xa1b23c4d
	pcapVersion  = 2 | 4<<16 // major, minor
	pcapEthernet = 1
	pcapHeader   = 24
	pcapRecord   = 16
	pcapLongest  = 1 << 18
)

// WritePcap writes frames, in this order, to a file that tcpdump and tshark read.
func WritePcap(path string, frames []Frame) error {
	var b []byte
	for _, word := range []uint32{pcapMagic, pcapVersion, 0, 0, pcapLongest, pcapEthernet} {
		b = binary.LittleEndian.AppendUint32(b, word)
	}
	for _, f := range frames {
		b = binary.LittleEndian.AppendUint32(b, uint32(f.At.Unix()))
		b = binary.LittleEndian.AppendUint32(b, uint32(f.At.Nanosecond()))
		b = binary.LittleEndian.AppendUint32(b, uint32(len(f.Data)))
		b = binary.LittleEndian.AppendUint32(b, uint32(len(f.Data)))
		b = append(b, f.Data...)
	}
	return os.WriteFile(path, b, 0o644)
}

// ReadPcap reads a file that WritePcap wrote. Of the frames only At and Data are known.
func ReadPcap(path string) ([]Frame, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	frames, err := parsePcap(b)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return frames, nil
}

func parsePcap(b []byte) (frames []Frame, err error) {
	if len(b) < pcapHeader || binary.LittleEndian.Uint32(b) != pcapMagic || binary.LittleEndian.Uint32(b[20:]) != pcapEthernet {
		return nil, errors.New("not a little-endian pcap file of Ethernet frames with nanoseconds")
	}
	for b = b[pcapHeader:]; len(b) > 0; {
		if len(b) < pcapRecord {
			return nil, errors.New("the last record is cut off")
		}
		seconds, nanoseconds := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
		end := pcapRecord + int(binary.LittleEndian.Uint32(b[8:]))
		if end > len(b) {
			return nil, errors.New("the last frame is cut off")
		}
		frames = append(frames, Frame{At: time.Unix(int64(seconds), int64(nanoseconds)), Data: b[pcapRecord:end:end]})
		b = b[end:]
	}
	return frames, nil
}
