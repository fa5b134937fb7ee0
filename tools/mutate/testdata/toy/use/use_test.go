package use

import "testing"

func TestSquare(t *testing.T) {
	if Square(3) != 9 {
		t.Error("not the square")
	}
}

func TestOther(t *testing.T) {}
