package authority

import (
	"testing"
	"time"
)

func TestATaskThatTakesLongIsDoneLessOften(t *testing.T) {
	for _, c := range []struct{ every, took, want time.Duration }{
		{5 * time.Second, 10 * time.Millisecond, 5 * time.Second},
		{5 * time.Second, time.Second, 19 * time.Second},
		{5 * time.Second, time.Hour, time.Minute},
		{time.Hour, 10 * time.Minute, time.Hour},
	} {
		if got := (&task{every: c.every}).pause(c.took); got != c.want {
			t.Errorf("every %s, after %s: %s, want %s", c.every, c.took, got, c.want)
		}
	}
}
