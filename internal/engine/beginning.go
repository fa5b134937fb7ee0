package engine

// Beginning is how a run begins in the midst of a trajectory.
type Beginning struct {
	// Data are smooth values of observations there, from which the program segment.y
	// computes the states that they tell; nil: all states are Y.
	Data []float64
	Y    []float64 // the other states
	D    []float64 // the modes of discrete variables, which segment.d reads

	YBar []float64 // where a sweep back adds the cotangent of Y; nil: nobody asks
	YDot []float64 // the tangent of Y; nil: it is 0
}

// at moves the inputs to the beginning.
func (b *Beginning) at(s *System, t float64) {
	s.At(t, b.Y, b.D)
	copy(s.Data, b.Data)
}

// begin sets the initial state of a run that has a beginning.
func (j *BoundModel) begin(t float64, y, d []float64) {
	j.Beginning.at(j.System, t)
	run(j.segmentD.Run, d)
	if j.Beginning.Data == nil {
		copy(y, j.Beginning.Y)
		return
	}
	run(j.segmentY.Run, y)
}

// InitVJP is the reverse derivative of Init.
func (j *BoundModel) InitVJP(t float64, yCt, dCt []float64) (tBar float64) {
	b := j.Beginning
	if b == nil {
		return j.System.InitVJP(t, yCt, dCt)
	}
	b.at(j.System, t)
	if f := &j.segmentD; f.VJP != nil {
		copy(f.Ct, dCt)
		tBar += f.VJP.vjp(nil, nil)
	}
	if b.Data == nil {
		Add(b.YBar, yCt)
		return tBar
	}
	if f := &j.segmentY; f.VJP != nil {
		copy(f.Ct, yCt)
		tBar += f.VJP.vjp(b.YBar, nil)
	}
	return tBar
}

// InitJVP is the forward derivative of Init.
func (j *BoundModel) InitJVP(t, tDot float64, yDot, dDot []float64) {
	b := j.Beginning
	if b == nil {
		j.System.InitJVP(t, tDot, yDot, dDot)
		return
	}
	b.at(j.System, t)
	clear(j.System.yDot)
	copy(j.System.yDot, b.YDot)
	clear(yDot)
	copy(yDot, b.YDot)
	j.jvp(j.segmentD.jvp, tDot, b.YDot, nil, dDot)
	if b.Data != nil {
		j.jvp(j.segmentY.jvp, tDot, b.YDot, nil, yDot)
	}
}
