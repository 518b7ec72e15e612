package planted

import "testing"

func TestCheck(t *testing.T) {
	for n, want := range map[int]error{0: errTooMany, 1: nil, 5: nil, 6: errTooMany} {
		if err := Check(n, 5); err != want {
			t.Errorf("%d: got %v", n, err)
		}
	}
	Twice(1)
}

func TestLoop(t *testing.T) {
	if n := Loop(); n != 4 {
		t.Errorf("got %d", n)
	}
}

func TestNothingIsAwake(t *testing.T) {}
