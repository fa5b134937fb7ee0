package data

// Numbers are rows of so many numbers each, which follow each other in memory.
type Numbers struct {
	width, n int
	of       []float64
}

// Len is the number of rows.
func (m *Numbers) Len() int { return m.n }

// At is row i.
func (m *Numbers) At(i int) []float64 {
	return m.of[i*m.width : (i+1)*m.width : (i+1)*m.width]
}

// Room is room for so many rows of so many numbers.
func Room(rows, width int) Numbers {
	return Numbers{width, 0, make([]float64, 0, rows*width)}
}

// Append adds a row.
func (m *Numbers) Append(row ...float64) {
	m.width = len(row)
	m.of = append(m.of[:m.n*m.width], row...)
	m.n++
}

// from are the rows from row i on.
func (m *Numbers) from(i int) Numbers {
	return Numbers{m.width, m.n - i, m.of[i*m.width:]}
}

// Lines are numbers of lines of a file, one for each row: a list only where they do not follow
// each other.
type Lines struct {
	first, n int
	list     []int32
}

// At is the line of row i.
func (l *Lines) At(i int) int {
	if l.list == nil {
		return l.first + i
	}
	return int(l.list[i])
}

// Add notes the line of one more row.
func (l *Lines) Add(line int) {
	if l.n == 0 {
		l.first = line
	}
	if l.list == nil && line != l.first+l.n {
		l.list = make([]int32, l.n, 2*l.n+1)
		for i := range l.list {
			l.list[i] = int32(l.first + i)
		}
	}
	if l.list != nil {
		l.list = append(l.list, int32(line))
	}
	l.n++
}

// from are those from row i on.
func (l *Lines) from(i int) Lines {
	c := Lines{l.first + i, l.n - i, nil}
	if l.list != nil {
		c.list = l.list[i:]
	}
	return c
}

// picked are rows of a table: some that follow each other, or a list.
type picked struct {
	from, n int
	list    []int32
}

func (p *picked) at(i int) int {
	if p.list == nil {
		return p.from + i
	}
	return int(p.list[i])
}

// add adds a row, which is behind the others.
func (p *picked) add(row int) {
	if p.n == 0 {
		p.from = row
	}
	if p.list == nil && row != p.from+p.n {
		p.scatter()
	}
	if p.list != nil {
		p.list = append(p.list, int32(row))
	}
	p.n++
}

// scatter makes a list of rows that followed each other.
func (p *picked) scatter() {
	p.list = make([]int32, p.n, 2*p.n+1)
	for i := range p.list {
		p.list[i] = int32(p.from + i)
	}
}
