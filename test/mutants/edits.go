package main

import "sort"

// edits are changes to a text, by their offsets in it. None of them has a line
// break, so the compiler's line numbers are those of the text.
type edits map[int]*edit

// edit is a change at one place: what ends there, what begins there, and how
// much of the text it takes the place of.
type edit struct {
	ends, begins string
	skip         int
}

func (e edits) at(offset int) *edit {
	if e[offset] == nil {
		e[offset] = &edit{}
	}
	return e[offset]
}

// wrap puts something around a part of the text. Of two that begin or end at
// one place the outer one is to come first.
func (e edits) wrap(from, to int, before, after string) {
	e.at(from).begins += before
	e.at(to).ends = after + e.at(to).ends
}

// replace puts something in the place of a part of the text.
func (e edits) replace(from, length int, with string) {
	e.at(from).begins += with
	e.at(from).skip = length
}

// apply returns the text with all changes.
func (e edits) apply(text []byte) []byte {
	offsets := make([]int, 0, len(e))
	for offset := range e {
		offsets = append(offsets, offset)
	}
	sort.Ints(offsets)
	var out []byte
	done := 0
	for _, offset := range offsets {
		c := e[offset]
		out = append(out, text[done:offset]...)
		out = append(out, c.ends...)
		out = append(out, c.begins...)
		done = offset + c.skip
	}
	return append(out, text[done:]...)
}
