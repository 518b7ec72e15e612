// Package planted has rules, and one that its test does not look at.
package planted

import "errors"

var errTooMany = errors.New("too many")

// Check lets 1 to most pass.
func Check(n, most int) error {
	if n < 1 || n > most {
		return errTooMany
	}
	return nil
}

// Twice is held by nobody.
func Twice(n int) int {
	total := n
	total += n
	return total
}

// Loop is left at once.
func Loop() int {
	for i := 0; ; i++ {
		if i > 3 {
			return i
		}
	}
}

// Alone is called by nobody.
func Alone(a, b bool) bool { return a && !b }
