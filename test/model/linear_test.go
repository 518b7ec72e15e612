package model

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// action is what somebody asked for.
type action string

const (
	create  action = "create"
	enable  action = "enable"
	disable action = "disable"
	remove  action = "delete"
	list    action = "list"
	use     action = "use"

	rotateSecret     action = "rotate secret"
	rotateSigningKey action = "rotate signing key"
	revokeSigningKey action = "revoke signing key"
	tendSigningKeys  action = "tend signing keys"
	writeUsage       action = "write usage"
	revokeToken      action = "revoke token"
)

// result is what was answered.
type result string

const (
	done     result = "done"
	atLimit  result = "at the limit"
	notFound result = "not found"
	refused  result = "refused"
	conflict result = "conflict" // nothing has happened
	unknown  result = "unknown"  // it is done where there is an event of it, whenever that was
)

// operation is one call, from the moment of asking to that of the answer.
type operation struct {
	worker, node int
	action       action
	merchant     authority.MerchantID
	key          string // its name
	request      string // by which its events are found
	call, ret    time.Time

	result  result
	changed bool // there is an event of it
	listed  keys
	err     error
}

func (o *operation) String() string {
	text := fmt.Sprintf("node %d worker %d: %s %s: %s", o.node, o.worker, o.action, o.key, o.result)
	if o.changed {
		text += ", with an event"
	}
	if o.listed != nil {
		text += " " + o.listed.String()
	}
	return text
}

// keys is the state of a merchant: of each API key by its name whether it is
// active. A deleted one is not there.
type keys map[string]bool

func (k keys) active() (n int) {
	for _, active := range k {
		if active {
			n++
		}
	}
	return n
}

func (k keys) with(name string, active bool) keys {
	k = maps.Clone(k)
	k[name] = active
	return k
}

func (k keys) without(name string) keys {
	k = maps.Clone(k)
	delete(k, name)
	return k
}

func (k keys) String() string {
	names := slices.Sorted(maps.Keys(k))
	for i, name := range names {
		names[i] = fmt.Sprintf("%s=%t", name, k[name])
	}
	return "[" + strings.Join(names, " ") + "]"
}

// keyModel is what the nodes promise together about the API keys of a merchant:
// as if one did one thing after the other.
var keyModel = porcupine.Model{
	Init:  func() any { return keys{} },
	Equal: func(a, b any) bool { return maps.Equal(a.(keys), b.(keys)) },
	Step: func(state, input, _ any) (bool, any) {
		return stepKeys(state.(keys), input.(*operation))
	},
}

// stepKeys tells whether the answer of o is right for k, and what is afterwards.
func stepKeys(k keys, o *operation) (bool, keys) {
	active, exists := k[o.key]
	room := k.active() < limit
	isDone := o.result == done || o.result == unknown // of which there is an event (historyOf)
	switch o.action {
	case create:
		if o.result == atLimit {
			return !room, k
		}
		return isDone && !exists && room, k.with(o.key, true)
	case enable:
		switch {
		case o.result == atLimit:
			return exists && !active && !room, k
		case isDone && !o.changed:
			return exists && active, k
		case isDone:
			return exists && !active && room, k.with(o.key, true)
		}
	case disable:
		if isDone {
			return exists && active == o.changed, k.with(o.key, false)
		}
	case remove:
		if isDone {
			return exists, k.without(o.key)
		}
	case list:
		return isDone && maps.Equal(k, o.listed), k
	}
	return o.result == notFound && !exists, k
}

// useModel is what one node promises about one API key that is changed there:
// whoever uses it after the answer finds it changed.
var useModel = porcupine.Model{
	Init: func() any { return enable },
	Step: func(state, input, _ any) (bool, any) {
		o, is := input.(*operation), state.(action)
		switch {
		case o.action == use:
			return (o.result == done) == (is == enable), is
		case is == remove: // for ever
			return true, is
		}
		return true, o.action
	},
}

// holdLinear holds that the answers are those of a model, in some order in which
// nothing comes after what began when it had been answered.
func holdLinear(t *testing.T, what string, model porcupine.Model, ops []*operation) {
	t.Helper()
	switch porcupine.CheckOperationsTimeout(model, historyOf(ops), time.Minute) {
	case porcupine.Ok:
	case porcupine.Unknown:
		t.Errorf("%s: it takes too long to tell whether %d operations have an order", what, len(ops))
	default:
		var b strings.Builder
		for _, o := range ops {
			fmt.Fprintf(&b, "\n%8d %8d  %s", o.call.Sub(ops[0].call).Microseconds(), o.ret.Sub(ops[0].call).Microseconds(), o)
		}
		t.Errorf("%s: no order of these operations is right (begun and answered, in µs):%s", what, b.String())
	}
}

// historyOf leaves out what has not happened: conflicts, and calls without an
// answer of which there is no event.
func historyOf(ops []*operation) []porcupine.Operation {
	var history []porcupine.Operation
	for _, o := range ops {
		if o.result == conflict || o.result == unknown && !o.changed {
			continue
		}
		ret := o.ret.Sub(ops[0].call).Nanoseconds()
		if o.result == unknown {
			ret = math.MaxInt64
		}
		history = append(history, porcupine.Operation{
			ClientId: o.worker, Input: o, Call: o.call.Sub(ops[0].call).Nanoseconds(), Return: ret,
		})
	}
	return history
}
