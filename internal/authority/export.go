package authority

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"time"

	"github.com/tokenwright/tokenwright/internal/strictjson"
)

// maxExportedEvent is how many bytes one event of an export may have. Ours have a
// few hundred; names and scopes cannot make one of a tenth of it.
const maxExportedEvent = 1 << 20

// ReadEvents reads an export of events, in whatever form we write one: the array
// of `event list -o json`, several of them one after the other (as `>>` makes
// them), or the lines of the console's export. It holds one event in memory at a
// time. RootKeyID is no part of an export and stays zero.
//
// An event is one only as we write it: members that are unknown, missing or there
// twice, and values that we write in another way, are errors that name the line.
// The error is the last of it. That an export is whole is for VerifyExport to
// say: lines that were cut off at the end of one are not noticed here.
func ReadEvents(r io.Reader) iter.Seq2[*Event, error] {
	return func(yield func(*Event, error) bool) {
		x := exportReader{r: bufio.NewReaderSize(r, 1<<16), line: 1}
		for {
			e, err := x.event()
			if err == io.EOF {
				return
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// exportPlace is where in an export the reader stands.
type exportPlace uint8

const (
	outside exportPlace = iota // of an array
	behindBracket
	behindEvent
	behindComma
)

// exportReader parts an export into the texts of events.
type exportReader struct {
	r     *bufio.Reader
	line  int
	place exportPlace
	text  []byte // of the event at hand
}

var errCutOff = errors.New("the export breaks off")

func atLine(line int, err error) error { return fmt.Errorf("line %d: %w", line, err) }

// event returns the next event, or io.EOF where an export may end.
func (x *exportReader) event() (*Event, error) {
	for {
		c, err := x.read()
		switch {
		case err == io.EOF && x.place == outside:
			return nil, io.EOF
		case err == io.EOF:
			return nil, atLine(x.line, errCutOff)
		case err != nil:
			return nil, err
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
		case c == '[' && x.place == outside:
			x.place = behindBracket
		case c == ',' && x.place == behindEvent:
			x.place = behindComma
		case c == ']' && (x.place == behindBracket || x.place == behindEvent):
			x.place = outside
		case c == '{' && x.place != behindEvent:
			if x.place != outside {
				x.place = behindEvent
			}
			return x.object()
		default:
			return nil, atLine(x.line, errors.New("is no export of events as JSON"))
		}
	}
}

// object reads the event whose opening bracket was read.
func (x *exportReader) object() (*Event, error) {
	line := x.line
	x.text = append(x.text[:0], '{')
	quoted, escaped := false, false
	for depth := 1; depth > 0; {
		c, err := x.read()
		if err == io.EOF {
			err = atLine(x.line, errCutOff)
		}
		if err == nil && len(x.text) == maxExportedEvent {
			err = atLine(line, errors.New("is longer than an event can be"))
		}
		if err != nil {
			return nil, err
		}
		x.text = append(x.text, c)
		switch {
		case escaped:
			escaped = false
		case quoted:
			escaped, quoted = c == '\\', c != '"'
		case c == '"':
			quoted = true
		case c == '{':
			depth++
		case c == '}':
			depth--
		}
	}
	e, err := parseEvent(x.text)
	if err != nil {
		return nil, atLine(line, err)
	}
	return e, nil
}

func (x *exportReader) read() (byte, error) {
	c, err := x.r.ReadByte()
	switch {
	case c == '\n':
		x.line++
	case err != nil && err != io.EOF:
		err = fmt.Errorf("reading the export: %w", err)
	}
	return c, err
}

// exportedMembers are those of an event, and whether each must be there.
var exportedMembers = map[string]bool{
	"seq": true, "time": true, "actor": true, "address": false, "requestId": false, "kind": true, "subject": true,
	"merchantId": false, "env": false, "details": true, "hash": true,
}

// parseEvent reads one event. Its details are what was hashed, to the byte: they
// are written without white space, which is all that an export may add.
func parseEvent(text []byte) (*Event, error) {
	members, err := strictjson.ParseObject(string(text))
	if err != nil {
		return nil, err
	}
	for _, m := range members {
		if _, known := exportedMembers[m.Name]; !known {
			return nil, fmt.Errorf("an event has no member %q", m.Name)
		}
	}
	r := eventMembers{members: members}
	e := &Event{
		Seq: r.sequence("seq"), Time: r.instant("time"),
		Actor: Actor{ID: r.text("actor"), Address: r.text("address"), RequestID: r.text("requestId")},
		Kind:  EventKind(r.text("kind")), Subject: r.text("subject"), MerchantID: r.merchantID("merchantId"), Env: r.text("env"),
		Hash: r.hash("hash"),
	}
	if v, ok := r.get("details"); ok && v.Kind() != strictjson.ObjectKind {
		r.wrong("details", "an object")
	}
	if r.err != nil {
		return nil, r.err
	}
	// The text was read strictly, so this finds the one member of that name.
	var exact struct {
		Details json.RawMessage `json:"details"`
	}
	var details bytes.Buffer
	if err := errors.Join(json.Unmarshal(text, &exact), json.Compact(&details, exact.Details)); err != nil {
		return nil, err
	}
	e.Details = details.String()
	return e, nil
}

// eventMembers reads the members of an event, and keeps the first error.
type eventMembers struct {
	members strictjson.Object
	err     error
}

func (r *eventMembers) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

func (r *eventMembers) wrong(name, want string) { r.fail(fmt.Errorf("%s is not %s", name, want)) }

// get returns the member of that name; one that is missing is noted, where it
// must be there.
func (r *eventMembers) get(name string) (strictjson.Value, bool) {
	v, ok := r.members.Get(name)
	if !ok && exportedMembers[name] {
		r.fail(fmt.Errorf("the member %s is missing", name))
	}
	return v, ok
}

func (r *eventMembers) text(name string) string {
	v, ok := r.get(name)
	text, isText := v.Text()
	if ok && !isText {
		r.wrong(name, "a string")
	}
	return text
}

func (r *eventMembers) sequence(name string) int64 {
	v, ok := r.get(name)
	n, isNumber := v.Int64()
	if ok && (!isNumber || n < 1) {
		r.wrong(name, "a number of an event: 1, 2, 3, …")
	}
	return n
}

// instant reads a time as we write it. The hash covers whole milliseconds: more
// digits could be changed without being noticed.
func (r *eventMembers) instant(name string) time.Time {
	text := r.text(name)
	at, err := time.Parse(time.RFC3339Nano, text)
	at = at.UTC()
	if err != nil || at.Truncate(time.Millisecond).Format(time.RFC3339Nano) != text {
		r.wrong(name, "a time in UTC, exact to the millisecond")
	}
	return at
}

// merchantID reads a number or, where merchants have text for an ID, a string.
func (r *eventMembers) merchantID(name string) MerchantID {
	v, ok := r.get(name)
	if !ok {
		return ""
	}
	if n, isNumber := v.Int64(); isNumber && n > 0 {
		return MerchantID(strconv.FormatInt(n, 10))
	}
	text, _ := v.Text()
	if text == "" {
		r.wrong(name, "a merchant ID")
	}
	return MerchantID(text)
}

func (r *eventMembers) hash(name string) []byte {
	text := r.text(name)
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != sha256.Size || hex.EncodeToString(raw) != text {
		r.wrong(name, "64 hexadecimal digits")
	}
	return raw
}
