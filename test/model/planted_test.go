package model

import (
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// A model that takes everything would look like nodes that keep their promises:
// so answers that break them are planted into histories, and found.

// history makes operations that follow one another, each when the one before
// has been answered.
func history(ops ...*operation) []*operation {
	at := time.Now()
	for i, o := range ops {
		o.call = at.Add(time.Duration(i) * time.Second)
		o.ret = o.call.Add(time.Second / 2)
	}
	return ops
}

func made(name string) *operation {
	return &operation{action: create, key: name, result: done, changed: true}
}

func did(a action, name string, changed bool) *operation {
	return &operation{action: a, key: name, result: done, changed: changed}
}

func answered(a action, name string, r result) *operation {
	return &operation{action: a, key: name, result: r}
}

// unanswered is a call that has no answer; there may be an event of it all the same.
func unanswered(a action, name string, changed bool) *operation {
	return &operation{action: a, key: name, result: unknown, changed: changed}
}

func saw(k keys) *operation { return &operation{action: list, result: done, listed: k} }

// meanwhile lets the last operation begin before all others and end after them.
func meanwhile(ops []*operation) []*operation {
	last := ops[len(ops)-1]
	last.call = ops[0].call.Add(-time.Second)
	return append([]*operation{last}, ops[:len(ops)-1]...)
}

//
func TestModelOfAPIKeysTellsRightFromWrong(t *testing.T) {
	three := func(more ...*operation) []*operation {
		return history(append([]*operation{made("a"), made("b"), made("c")}, more...)...)
	}
	all := keys{"a": true, "b": true, "c": true}
	for _, c := range []struct {
		what  string
		right bool
		ops   []*operation
	}{
		{"three and no more", true, three(answered(create, "d", atLimit), saw(all))},
		{"a fourth", false, three(made("d"))},
		{"a fourth while one is being deleted", true, meanwhile(three(made("d"), did(remove, "a", true)))},
		{"a fourth before one is deleted", false, three(made("d"), did(remove, "a", true))},
		{"refused below the limit", false, history(made("a"), answered(create, "d", atLimit))},
		{"refused while one is being deleted", true, meanwhile(three(answered(create, "d", atLimit), did(remove, "a", true)))},
		{"a disabled one makes room", true, three(did(disable, "a", true), made("d"), answered(enable, "a", atLimit))},
		{"enabled beyond the limit", false, three(did(disable, "a", true), made("d"), did(enable, "a", true))},
		{"enabled below the limit, refused", false, three(did(disable, "a", true), answered(enable, "a", atLimit))},
		{"a creation that is lost", false, three(saw(keys{"a": true, "b": true}))},
		{"a deletion that is lost", false, three(did(remove, "c", true), saw(all))},
		{"a disabling that is lost", false, three(did(disable, "c", true), saw(all))},
		{"disabled twice, with one event", true, three(did(disable, "c", true), did(disable, "c", false))},
		{"disabled twice, with two events", false, three(did(disable, "c", true), did(disable, "c", true))},
		{"disabled without an event", false, three(did(disable, "c", false))},
		{"enabled without an event", false, three(did(disable, "c", true), did(enable, "c", false))},
		{"deleted, and changed", false, three(did(remove, "c", true), did(disable, "c", true))},
		{"deleted, and not found", true, three(did(remove, "c", true), answered(disable, "c", notFound), answered(remove, "c", notFound))},
		{"there, and not found", false, three(answered(remove, "c", notFound))},
		{"no answer, no event, and it was not", true, three(unanswered(remove, "c", false), saw(all))},
		{"no answer, no event, and it was", false, three(unanswered(remove, "c", false), saw(keys{"a": true, "b": true}))},
		{"no answer, an event, and it was", true, three(unanswered(remove, "c", true), saw(keys{"a": true, "b": true}))},
		{"no answer, an event, and it was later", true, three(unanswered(remove, "c", true), saw(all), saw(keys{"a": true, "b": true}))},
		{"it was, then it was not", false, three(unanswered(remove, "c", true), saw(keys{"a": true, "b": true}), saw(all))},
		{"no answer, an event, beyond the limit", false, three(unanswered(create, "d", true), saw(all))},
		{"no answer, an event, and there was no such key", false, three(unanswered(remove, "d", true), saw(all))},
		{"a conflict, which does nothing", true, three(answered(remove, "c", conflict), saw(all))},
		{"a conflict that has done something", false, three(answered(remove, "c", conflict), saw(keys{"a": true, "b": true}))},
		{"seen by one and not by the next", false, meanwhile(history(saw(keys{"a": true}), saw(keys{}), made("a")))},
		{"seen while being created", true, meanwhile(history(saw(keys{}), saw(keys{"a": true}), made("a")))},
	} {
		if got := porcupine.CheckOperations(keyModel, historyOf(c.ops)); got != c.right {
			t.Errorf("%s: the model says %t", c.what, got)
		}
	}
}

//
func TestModelOfUseTellsRightFromWrong(t *testing.T) {
	for _, c := range []struct {
		what  string
		right bool
		ops   []*operation
	}{
		{"used", true, history(did(use, "a", false), did(use, "a", false))},
		{"refused though active", false, history(answered(use, "a", refused))},
		{"used after it was disabled", false, history(did(disable, "a", true), did(use, "a", false))},
		{"refused after it was disabled", true, history(did(disable, "a", true), answered(use, "a", refused))},
		{"used while being disabled", true, meanwhile(history(did(use, "a", false), answered(use, "a", refused), did(disable, "a", true)))},
		{"used again while being disabled", false, meanwhile(history(answered(use, "a", refused), did(use, "a", false), did(disable, "a", true)))},
		{"used after it was disabled again", false, history(did(disable, "a", true), did(disable, "a", false), did(use, "a", false))},
		{"refused after it was enabled", false, history(did(disable, "a", true), did(enable, "a", true), answered(use, "a", refused))},
		{"used after it was deleted and enabled", false, history(did(remove, "a", true), did(enable, "a", true), did(use, "a", false))},
		{"no answer, no event, and it was used", true, history(unanswered(disable, "a", false), did(use, "a", false))},
		{"no answer, no event, and it was refused", false, history(unanswered(disable, "a", false), answered(use, "a", refused))},
		{"no answer, an event, and it was used", true, history(unanswered(disable, "a", true), did(use, "a", false))},
		{"no answer, an event, and it was refused", true, history(unanswered(disable, "a", true), answered(use, "a", refused))},
		{"refused and used again", false, history(unanswered(disable, "a", true), answered(use, "a", refused), did(use, "a", false))},
	} {
		if got := porcupine.CheckOperations(useModel, historyOf(c.ops)); got != c.right {
			t.Errorf("%s: the model says %t", c.what, got)
		}
	}
}
