// Package strictjson reads JSON that security depends on: token requests, JOSE
// headers, claims, key sets, and the answers of a token endpoint.
//
// It owns one rule: a message has one meaning. encoding/json takes the last of
// two equal members, matches names without regard to case, replaces broken
// UTF-8 and lets data trail; each of these has let two programs read one
// message in two ways. Here they are errors (RFC 8259 4, RFC 7493 2).
//
// It knows nothing of what the members mean.
package strictjson

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	maxDepth   = 16  // nested objects and arrays, the outermost counted
	maxMembers = 128 // of one object; also bounds the search for duplicates
)

// ErrSyntax is wrapped by every error of this package. Error texts name the
// place (a byte offset) and never quote the message.
var ErrSyntax = errors.New("strictjson")

// Kind says which of JSON's types a Value is.
type Kind uint8

// The kinds of Value.
const (
	Null Kind = iota
	Bool
	Number
	String
	Array
	ObjectKind
)

// Value is one JSON value.
type Value struct {
	kind  Kind
	text  string // of a string: unescaped; of a number or bool: as written
	items []Member
}

// Member is one name and value of an Object, or, nameless, one item of an array.
type Member struct {
	Name  string
	Value Value
}

// Object is the members of a JSON object in the order they were written. No
// two names are equal, not even with case folded.
type Object []Member

// Get returns the member of exactly that name.
func (o Object) Get(name string) (Value, bool) {
	for i := range o {
		if o[i].Name == name {
			return o[i].Value, true
		}
	}
	return Value{}, false
}

// TextValue is the value of a JSON string.
func TextValue(text string) Value { return Value{kind: String, text: text} }

// Kind returns the value's type.
func (v Value) Kind() Kind { return v.kind }

// Text returns the content of a JSON string; of anything else "" and false.
func (v Value) Text() (string, bool) {
	if v.kind != String {
		return "", false
	}
	return v.text, true
}

// Bool returns the content of a JSON boolean.
func (v Value) Bool() (value, ok bool) { return v.text == "true", v.kind == Bool }

// Int64 returns a JSON number written as an integer: no fraction, no exponent,
// and within 64 bits. 1e3 and 1.0 are not (C-108).
func (v Value) Int64() (int64, bool) {
	if v.kind != Number {
		return 0, false
	}
	n, err := strconv.ParseInt(v.text, 10, 64) // takes neither
	return n, err == nil
}

// Object returns the members of a JSON object.
func (v Value) Object() (Object, bool) { return v.items, v.kind == ObjectKind }

// Array returns the items of a JSON array.
func (v Value) Array() ([]Value, bool) {
	if v.kind != Array {
		return nil, false
	}
	items := make([]Value, len(v.items))
	for i := range v.items {
		items[i] = v.items[i].Value
	}
	return items, true
}

// ParseObject reads exactly one JSON object, with nothing but white space
// around it. Strings without escapes share the memory of data.
func ParseObject(data string) (Object, error) { return ParseItems(data, nil) }

// ParseItems is ParseObject for long messages. Items of an array that is a
// member of the outermost object are handed to item one by one, with the
// member's name, and left out of what is returned; item keeps no Object of
// theirs, whose memory the next one gets. An error of item ends it.
func ParseItems(data string, item func(name string, v Value) error) (Object, error) {
	if !utf8.ValidString(data) {
		return nil, fmt.Errorf("%w: not valid UTF-8", ErrSyntax)
	}
	p := parser{data: data, item: item}
	p.space()
	if p.peek() != '{' {
		return nil, p.fail("expected an object")
	}
	v, err := p.value(1)
	if err != nil {
		return nil, err
	}
	p.space()
	if p.at != len(data) {
		return nil, p.fail("data after the object")
	}
	return v.items, nil
}

// parser walks over data once; at is the offset of the next byte.
type parser struct {
	data string
	at   int

	item    func(name string, v Value) error // nil to keep all items
	name    string                           // of the member of the outermost object
	members []Member                         // memory for the object that is an item
	reuse   bool                             // the next object takes it
}

func (p *parser) fail(what string) error {
	return fmt.Errorf("%w: %s at byte %d", ErrSyntax, what, p.at)
}

func (p *parser) space() {
	for p.at < len(p.data) {
		switch p.data[p.at] {
		case ' ', '\t', '\r', '\n':
			p.at++
		default:
			return
		}
	}
}

// peek returns the next byte, or 0 at the end (0 is never valid outside a string).
func (p *parser) peek() byte {
	if p.at == len(p.data) {
		return 0
	}
	return p.data[p.at]
}

func (p *parser) take(literal string) bool {
	if !strings.HasPrefix(p.data[p.at:], literal) {
		return false
	}
	p.at += len(literal)
	return true
}

func (p *parser) value(depth int) (Value, error) {
	if depth > maxDepth {
		return Value{}, p.fail("nested too deeply")
	}
	start := p.at
	switch c := p.peek(); {
	case c == '{':
		return p.object(depth)
	case c == '[':
		return p.array(depth)
	case c == '"':
		s, err := p.string()
		return Value{kind: String, text: s}, err
	case c == '-' || c >= '0' && c <= '9':
		return p.number()
	case p.take("true"), p.take("false"):
		return Value{kind: Bool, text: p.data[start:p.at]}, nil
	case p.take("null"):
		return Value{kind: Null}, nil
	}
	return Value{}, p.fail("expected a value")
}

func (p *parser) object(depth int) (Value, error) {
	reuse := p.reuse
	p.reuse = false
	members := p.members[:0]
	if !reuse {
		// Room for the claims of a token, or for what is nested in them: to grow costs
		// more than to reserve. A short message, as a JOSE header is, has few.
		members = make([]Member, 0, min(12, 3+len(p.data)/32)/depth)
	}
	err := p.list('}', func() error {
		if p.peek() != '"' {
			return p.fail("expected a member name")
		}
		name, err := p.string()
		if err != nil {
			return err
		}
		if len(members) == maxMembers {
			return p.fail("too many members")
		}
		for i := range members {
			// EqualFold folds as encoding/json does, U+017F and U+212A
			// included, so no reader of either kind sees two (C-010, C-011).
			if beginAlike(members[i].Name, name) && strings.EqualFold(members[i].Name, name) {
				return p.fail("a member stands twice")
			}
		}
		p.space()
		if p.peek() != ':' {
			return p.fail("expected ':'")
		}
		p.at++
		p.space()
		if depth == 1 {
			p.name = name
		}
		v, err := p.value(depth + 1)
		members = append(members, Member{Name: name, Value: v})
		return err
	})
	if reuse {
		p.members = members
	}
	return Value{kind: ObjectKind, items: members}, err
}

// beginAlike is true of all names that fold to one another; most others part at
// their first letter. Where both are ASCII, it can only differ in the bit that makes
// it small.
func beginAlike(a, b string) bool {
	const ascii, small = 0x80, 0x20
	return a == "" || b == "" || a[0]|b[0] >= ascii || a[0]|small == b[0]|small
}

func (p *parser) array(depth int) (Value, error) {
	var items []Member
	err := p.list(']', func() error {
		handOut := p.item != nil && depth == 2
		p.reuse = handOut
		v, err := p.value(depth + 1)
		p.reuse = false // an item that is no object has not taken it
		if err == nil && handOut {
			return p.item(p.name, v)
		}
		items = append(items, Member{Value: v})
		return err
	})
	return Value{kind: Array, items: items}, err
}

// list reads what stands between the opening bracket at p.at and end:
// nothing, or elements parted by commas.
func (p *parser) list(end byte, element func() error) error {
	p.at++
	p.space()
	if p.peek() == end {
		p.at++
		return nil
	}
	for {
		if err := element(); err != nil {
			return err
		}
		p.space()
		switch p.peek() {
		case ',':
			p.at++
			p.space()
		case end:
			p.at++
			return nil
		default:
			return p.fail("expected ',' or the end")
		}
	}
}

// number reads the grammar of RFC 8259 6: -?(0|[1-9][0-9]*)(.[0-9]+)?([eE][+-]?[0-9]+)?
// A number that no float64 reaches is infinite to some readers, an error to
// others, encoding/json among them (RFC 7493 2.2).
func (p *parser) number() (Value, error) {
	start := p.at
	p.take("-")
	if !p.take("0") && !p.digits() {
		return Value{}, p.fail("expected a digit")
	}
	if p.take(".") && !p.digits() {
		return Value{}, p.fail("expected a digit")
	}
	exponent := p.take("e") || p.take("E")
	if exponent {
		if !p.take("+") {
			p.take("-")
		}
		if !p.digits() {
			return Value{}, p.fail("expected a digit")
		}
	}
	text := p.data[start:p.at]
	// Of those without an exponent, only one of more than 300 digits can be.
	if exponent || len(text) > 300 {
		if _, err := strconv.ParseFloat(text, 64); err != nil {
			return Value{}, p.fail("a number too large")
		}
	}
	return Value{kind: Number, text: text}, nil
}

func (p *parser) digits() bool {
	start := p.at
	for c := p.peek(); c >= '0' && c <= '9'; c = p.peek() {
		p.at++
	}
	return p.at > start
}

// string reads a string; only one with escapes is copied.
func (p *parser) string() (string, error) {
	p.at++
	start, rest := p.at, p.data[p.at:]
	for i := range len(rest) {
		c := rest[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		p.at = start + i
		switch c {
		case '"':
			p.at++
			return rest[:i], nil
		case '\\':
			return p.escaped(start)
		}
		return "", p.fail("a control character in a string")
	}
	p.at = len(p.data)
	return "", p.fail("a string without an end")
}

// escaped goes on with a string whose first escape stands at p.at.
func (p *parser) escaped(start int) (string, error) {
	b := []byte(p.data[start:p.at])
	for p.at < len(p.data) {
		c := p.data[p.at]
		switch {
		case c == '"':
			p.at++
			return string(b), nil
		case c < 0x20:
			return "", p.fail("a control character in a string")
		case c != '\\':
			b = append(b, c)
			p.at++
		default:
			r, err := p.escape()
			if err != nil {
				return "", err
			}
			b = utf8.AppendRune(b, r)
		}
	}
	return "", p.fail("a string without an end")
}

// escape reads one escape; a surrogate without its other half is an error
// (RFC 8259 8.2), since readers disagree on what it stands for.
func (p *parser) escape() (rune, error) {
	const plain, meant = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	p.at++
	if i := strings.IndexByte(plain, p.peek()); i >= 0 && p.peek() != 0 {
		p.at++
		return rune(meant[i]), nil
	}
	r, ok := p.hex4()
	if !ok {
		return 0, p.fail("an unknown escape")
	}
	if !utf16.IsSurrogate(r) {
		return r, nil
	}
	if !p.take(`\`) {
		return 0, p.fail("half a surrogate pair")
	}
	low, ok := p.hex4()
	pair := utf16.DecodeRune(r, low)
	if !ok || pair == utf8.RuneError {
		return 0, p.fail("half a surrogate pair")
	}
	return pair, nil
}

// hex4 reads uXXXX.
func (p *parser) hex4() (rune, bool) {
	if !p.take("u") || len(p.data)-p.at < 4 {
		return 0, false
	}
	n, err := strconv.ParseUint(p.data[p.at:p.at+4], 16, 16)
	if err != nil {
		return 0, false
	}
	p.at += 4
	return rune(n), true
}
