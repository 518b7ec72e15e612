package authority

import (
	"testing"
	"time"
)

func TestATaskThatTakesLongIsDoneLessOftenAndOneThatFailedSoon(t *testing.T) {
	for _, c := range []struct {
		every, took time.Duration
		failed      bool
		want        time.Duration
	}{
		{5 * time.Second, 10 * time.Millisecond, false, 5 * time.Second},
		{5 * time.Second, time.Second, false, 19 * time.Second},
		{5 * time.Second, time.Hour, false, time.Minute},
		{time.Hour, 10 * time.Minute, false, time.Hour},
		{time.Hour, time.Second, true, time.Minute},
		{5 * time.Second, 10 * time.Millisecond, true, 5 * time.Second},
	} {
		if got := (&task{every: c.every}).pause(c.took, c.failed); got != c.want {
			t.Errorf("every %s, after %s, failed %t: %s, want %s", c.every, c.took, c.failed, got, c.want)
		}
	}
}
