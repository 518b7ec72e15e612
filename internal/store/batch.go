package store

import (
	"strconv"
	"strings"
)

// batches are how many things one statement handles: few sizes, so that
// statements stay prepared.
var batches = [...]int{256, 64, 16, 4, 1}

// inBatches hands f all of list in its order, as many at a time as a statement
// handles.
func inBatches[T any](list []T, f func([]T) error) error {
	for _, size := range batches {
		for len(list) >= size {
			if err := f(list[:size]); err != nil {
				return err
			}
			list = list[size:]
		}
	}
	return nil
}

// rowsOf writes the placeholders of rows: ($1, $2), ($3, $4) for two of two columns.
func rowsOf(rows, columns int) string {
	var b strings.Builder
	for i := range rows {
		if i > 0 {
			b.WriteString(", ")
		}
		for j := range columns {
			b.WriteString(map[bool]string{true: "($", false: ", $"}[j == 0])
			b.WriteString(strconv.Itoa(i*columns + j + 1))
		}
		b.WriteByte(')')
	}
	return b.String()
}

// listOf writes the placeholders of a list: ($1, $2, $3).
func listOf(n int) string { return rowsOf(1, n) }

// arguments are the values of a list as a statement takes them.
func arguments[T any](list []T) []any {
	args := make([]any, len(list))
	for i := range list {
		args[i] = list[i]
	}
	return args
}
