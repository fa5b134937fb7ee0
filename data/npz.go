package data

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// ReadNPZ reads an archive of NumPy arrays as numpy.savez writes it. An array of one dimension
// is a column, one of two is a column for each of its columns, numbered behind its name from 0:
// x0, x1. All have one number of rows.
func ReadNPZ(name string, r io.Reader) (*Table, error) {
	text, err := whole(r)
	if err != nil {
		return nil, &Error{File: name, Text: cause(err)}
	}
	z, err := zip.NewReader(bytes.NewReader(text), int64(len(text)))
	if err != nil {
		return nil, &Error{File: name, Text: "the file is no archive of NumPy arrays", Help: "write it with numpy.savez", Cause: err}
	}
	var arrays []*array
	var names []string
	for _, f := range z.File {
		a, err := readArray(f)
		if err != nil {
			return nil, &Error{File: name, Column: strings.TrimSuffix(f.Name, ".npy"), Text: err.Error(), Help: "columns are arrays of one or two dimensions of numbers, truth values or texts"}
		}
		if len(arrays) > 0 && a.rows != arrays[0].rows {
			return nil, &Error{File: name, Column: a.name, Text: fmt.Sprintf("the array has %s, `%s` %d", count(a.rows, "row"), arrays[0].name, arrays[0].rows)}
		}
		arrays = append(arrays, a)
		for k := range a.columns {
			if !a.wide {
				names = append(names, a.name)
			} else {
				names = append(names, a.name+strconv.Itoa(k))
			}
		}
	}
	c, err := NewCells(name, names)
	if err != nil {
		return nil, err
	}
	for i := range arrays[0].rows {
		for _, a := range arrays {
			for k := range a.columns {
				if err := a.cell(c, i, k); err != nil {
					return nil, err
				}
			}
		}
		c.EndRow()
	}
	return c.Table()
}

// array is a NumPy array of one or two dimensions.
type array struct {
	name          string
	rows, columns int
	wide          bool // two dimensions
	fortran       bool // columns stand behind each other
	kind          byte // f, i, u, b, U or S
	size          int  // of an element, in bytes
	order         binary.ByteOrder
	raw           []byte
}

// npyHeader is the dictionary in the head of an array, whose keys NumPy writes sorted.
var npyHeader = regexp.MustCompile(`^\{'descr': '([<>|=])([a-zA-Z])(\d+)', 'fortran_order': (True|False), 'shape': \((\d*)(?:, ?(\d*))?,?\), ?\}\s*$`)

// readArray reads a member of the archive: magic bytes, version, length of the head, the head,
// and the numbers (NumPy enhancement proposal 1).
func readArray(f *zip.File) (*array, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var head [10]byte
	if _, err := io.ReadFull(r, head[:]); err != nil || string(head[:6]) != "\x93NUMPY" {
		return nil, fmt.Errorf("it is no array of NumPy")
	}
	n := int(binary.LittleEndian.Uint16(head[8:]))
	if head[6] > 1 {
		var more [2]byte
		if _, err := io.ReadFull(r, more[:]); err != nil {
			return nil, err
		}
		n |= int(binary.LittleEndian.Uint16(more[:])) << 16
	}
	const longest = 1 << 16
	if n > longest {
		return nil, fmt.Errorf("its head has %d bytes", n)
	}
	dict := make([]byte, n)
	if _, err := io.ReadFull(r, dict); err != nil {
		return nil, err
	}
	m := npyHeader.FindSubmatch(dict)
	if m == nil {
		return nil, fmt.Errorf("an array of this kind is not read: %s", clipped(strings.TrimSpace(string(dict))))
	}
	a := &array{name: strings.TrimSuffix(f.Name, ".npy"), kind: m[2][0], fortran: string(m[4]) == "True", order: binary.LittleEndian, columns: 1}
	if m[1][0] == '>' {
		a.order = binary.BigEndian
	}
	a.size, _ = strconv.Atoi(string(m[3]))
	if a.kind == 'U' {
		a.size *= 4
	}
	if len(m[5]) == 0 {
		return nil, fmt.Errorf("it is a single value")
	}
	a.rows, _ = strconv.Atoi(string(m[5]))
	if a.wide = len(m[6]) > 0; a.wide {
		a.columns, _ = strconv.Atoi(string(m[6]))
	}
	if !a.known() {
		return nil, fmt.Errorf("elements of the type `%s%s` are not read", m[2], m[3])
	}
	if uint64(a.rows) > 1<<40 || uint64(a.columns) > 1<<20 || uint64(a.rows)*uint64(a.columns)*uint64(a.size) != f.UncompressedSize64-uint64(n)-uint64(len(head))-2*uint64(min(1, head[6]-1)) {
		return nil, fmt.Errorf("its numbers do not fill its shape")
	}
	a.raw, err = io.ReadAll(r)
	return a, err
}

// known reports whether elements of the type are read.
func (a *array) known() bool {
	switch a.kind {
	case 'f':
		return a.size == 4 || a.size == 8
	case 'i', 'u':
		return a.size == 1 || a.size == 2 || a.size == 4 || a.size == 8
	case 'b':
		return a.size == 1
	}
	return (a.kind == 'U' || a.kind == 'S') && a.size > 0 && a.size < 1<<16
}

// cell adds an element to a row.
func (a *array) cell(c *Cells, i, k int) error {
	at := i*a.columns + k
	if a.fortran {
		at = k*a.rows + i
	}
	b := a.raw[at*a.size : (at+1)*a.size]
	switch {
	case a.kind == 'f' && a.size == 8:
		c.Number(math.Float64frombits(a.order.Uint64(b)), 64)
	case a.kind == 'f':
		c.Number(float64(math.Float32frombits(a.order.Uint32(b))), 32)
	case a.kind == 'U':
		var text []rune
		for ; len(b) > 0; b = b[4:] {
			if r := a.order.Uint32(b); r != 0 {
				text = append(text, rune(r))
			}
		}
		return c.Text([]byte(string(text)))
	case a.kind == 'S':
		return c.Text(bytes.TrimRight(b, "\x00"))
	case a.kind == 'i':
		return c.Text(strconv.AppendInt(nil, int64(a.bits(b))<<(64-8*a.size)>>(64-8*a.size), 10))
	default:
		return c.Text(strconv.AppendUint(nil, a.bits(b), 10))
	}
	return nil
}

// bits are the bytes of a whole number.
func (a *array) bits(b []byte) uint64 {
	switch a.size {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(a.order.Uint16(b))
	case 4:
		return uint64(a.order.Uint32(b))
	}
	return a.order.Uint64(b)
}
