//go:build race

package authority_test

// underRace: the race detector makes a round of changes twenty times dearer.
const underRace = true
