// Package restore backs up installations, loses and restores them, and moves
// them, with the real binary: beside servers, verifiers and applications that are
// at work, with every process killed at any moment, and with all that operators
// get wrong.
//
// What the parts do, internal/store and internal/authority test; here counts what
// is left for those who rely on the whole.
package restore
