package toy

import "testing"

func TestLarger(t *testing.T) {
	if Larger(1, 2) != 2 || Larger(2, 1) != 2 {
		t.Error("not the larger")
	}
}

func TestArea(t *testing.T) {
	if Area(1, 1) != 1 {
		t.Error("not the area")
	}
}

func TestSum(t *testing.T) {
	if Sum(4) != 6 {
		t.Error("not the sum")
	}
}
