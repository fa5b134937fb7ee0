package parquet

import (
	"encoding/base64"
	"encoding/binary"
	"time"
)

// arrowDurations are the top columns of an Arrow schema, as Arrow notes it in the files that it writes, that
// are durations. A schema that is damaged has those in front of the damage.
//
// The note is a message of Arrow's streaming format, whose tables are flatbuffers: format/Message.fbs and
// format/Schema.fbs of Apache Arrow have their fields.
func arrowDurations(note string) map[string]time.Duration {
	const (
		header   = 2 // of Message: the schema
		fields   = 1 // of Schema
		name     = 0 // of Field
		typeKind = 2
		typeOf   = 3
		unit     = 0  // of Duration
		duration = 18 // kind of a type
	)
	b, err := base64.StdEncoding.DecodeString(note)
	if err != nil {
		return nil
	}
	if f := flat(b); f.u32(0) == 1<<32-1 { // else without a mark of its beginning, as older versions write
		b = b[4:]
	}
	if len(b) < 8 {
		return nil
	}
	f := flat(b[4:])
	units := []time.Duration{time.Second, time.Millisecond, time.Microsecond, time.Nanosecond}
	of := map[string]time.Duration{}
	list := f.follow(f.field(f.follow(f.field(f.u32(0), header)), fields))
	if list == 0 {
		return nil
	}
	for i := range min(f.u32(list), uint64(len(f)/4)) {
		column := f.follow(list + 4 + 4*i)
		if kind := f.field(column, typeKind); kind == 0 || f.u8(kind) != duration {
			continue
		}
		u := uint64(1) // what is not written is the default
		if at := f.field(f.follow(f.field(column, typeOf)), unit); at != 0 {
			u = f.u16(at)
		}
		if u < uint64(len(units)) {
			of[f.text(f.follow(f.field(column, name)))] = units[u]
		}
	}
	return of
}

// flat is a flatbuffer. Places in it count from its beginning; 0 is none, and what would be outside of it is zero.
type flat []byte

func (f flat) bytes(at, n uint64) []byte {
	if at > uint64(len(f)) || n > uint64(len(f))-at {
		return make([]byte, min(n, 8))
	}
	return f[at : at+n]
}

func (f flat) u8(at uint64) uint64  { return uint64(f.bytes(at, 1)[0]) }
func (f flat) u16(at uint64) uint64 { return uint64(binary.LittleEndian.Uint16(f.bytes(at, 2))) }
func (f flat) u32(at uint64) uint64 { return uint64(binary.LittleEndian.Uint32(f.bytes(at, 4))) }

// follow is where the offset at a place leads.
func (f flat) follow(at uint64) uint64 {
	if at == 0 {
		return 0
	}
	return at + f.u32(at)
}

// field is the place of field k of a table, 0: it is not there.
func (f flat) field(table, k uint64) uint64 {
	if table == 0 {
		return 0
	}
	list := table - uint64(int64(int32(f.u32(table)))) // the table of places stands before or behind
	if 4+2*k+2 > f.u16(list) {
		return 0
	}
	if off := f.u16(list + 4 + 2*k); off != 0 {
		return table + off
	}
	return 0
}

// text is a string.
func (f flat) text(at uint64) string {
	if at == 0 {
		return ""
	}
	return string(f.bytes(at+4, f.u32(at)))
}
