//go:build !race

package authority_test

const underRace = false
