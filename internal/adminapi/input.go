package adminapi

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tokenwright/tokenwright/admin"
	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/strictjson"
)

// input is the members of a body, or the parameters of a query. What reads them
// notes what is wrong with them; problems tells of all at once.
type input struct {
	members strictjson.Object
	isQuery bool // all members are text
	read    []string
	bad     []admin.FieldError
}

// invalidInput is the error of a request with such members.
type invalidInput []admin.FieldError

// Error implements error.
func (e invalidInput) Error() string { return e[0].Field + " " + e[0].Reason }

func (in *input) wrong(field, reason string) {
	in.bad = append(in.bad, admin.FieldError{Field: field, Reason: reason})
}

// get returns a member; false where it is not there.
func (in *input) get(name string) (strictjson.Value, bool) {
	in.read = append(in.read, name)
	return in.members.Get(name)
}

// problems returns all that is wrong; unknown is said of members that nothing
// has read.
func (in *input) problems(unknown string) []admin.FieldError {
	all := slices.Clone(in.bad)
	for _, m := range in.members {
		if !slices.Contains(in.read, m.Name) {
			all = append(all, admin.FieldError{Field: shown(m.Name), Reason: unknown})
		}
	}
	return all
}

// shown is a name that somebody has made up, as it may stand in an answer.
func shown(name string) string {
	if len(name) > 40 {
		name = name[:40] + "…"
	}
	return strings.ToValidUTF8(name, "")
}

// text reads a string; nil where it is not there.
func (in *input) text(name string) *string {
	v, there := in.get(name)
	if !there {
		return nil
	}
	text, ok := v.Text()
	if !ok {
		in.wrong(name, "is not a string")
	}
	return &text
}

// string is text, with "" for what is not there.
func (in *input) string(name string) string {
	if text := in.text(name); text != nil {
		return *text
	}
	return ""
}

// number reads a whole number; nil where it is not there.
func (in *input) number(name string) *int64 {
	v, there := in.get(name)
	if !there {
		return nil
	}
	n, ok := v.Int64()
	if !ok {
		in.wrong(name, "is not a whole number")
	}
	return &n
}

// flag is truth, with false for what is not there.
func (in *input) flag(name string) bool {
	if value := in.truth(name); value != nil {
		return *value
	}
	return false
}

// truth reads true or false; nil where it is not there.
func (in *input) truth(name string) *bool {
	v, there := in.get(name)
	if !there {
		return nil
	}
	value, ok := v.Bool()
	if text, _ := v.Text(); in.isQuery {
		value, ok = text == "true", text == "true" || text == "false"
	}
	if !ok {
		in.wrong(name, "is neither true nor false")
	}
	return &value
}

// texts reads an array of strings; nil where it is not there.
func (in *input) texts(name string) *[]string {
	v, there := in.get(name)
	if !there {
		return nil
	}
	items, ok := v.Array()
	list := []string{}
	for _, item := range items {
		text, isText := item.Text()
		ok = ok && isText
		list = append(list, text)
	}
	if !ok {
		in.wrong(name, "is not an array of strings")
	}
	return &list
}

// time reads a time (RFC 3339); nil where it is not there, zero (never) for null.
func (in *input) time(name string) *time.Time {
	v, there := in.get(name)
	if !there {
		return nil
	}
	if v.Kind() == strictjson.Null {
		return new(time.Time)
	}
	text, _ := v.Text()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil || at.Before(time.Unix(0, 0)) || at.UTC().Year() > 9999 { // the zero time means never; later ones cannot be written
		in.wrong(name, "is not a time such as 2027-01-31T00:00:00Z (RFC 3339)")
	}
	return &at
}

// instant is time, with zero for what is not there.
func (in *input) instant(name string) time.Time {
	if at := in.time(name); at != nil {
		return *at
	}
	return time.Time{}
}

// span reads a span of time: 90d, 12h, 86400s.
func (in *input) span(name string, otherwise time.Duration) time.Duration {
	text := in.text(name)
	if text == nil {
		return otherwise
	}
	if days, ok := strings.CutSuffix(*text, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil && n <= 36500 {
			return time.Duration(n) * 24 * time.Hour
		}
	}
	d, err := time.ParseDuration(*text)
	if err != nil || d < 0 {
		in.wrong(name, "is not a span of time such as 90d or 12h")
	}
	return d
}

// cidrs reads addresses and networks; nil where they are not there.
func (in *input) cidrs(name string) *[]netip.Prefix {
	texts := in.texts(name)
	if texts == nil {
		return nil
	}
	list, err := authority.ParseCIDRs(*texts)
	in.invalid(name, err)
	return &list
}

// invalid notes what the domain says of a field, under the name it has here.
func (in *input) invalid(name string, err error) {
	if e, ok := err.(*authority.InvalidError); ok {
		in.wrong(name, e.Reason)
	}
}

// merchantID reads a merchant's ID; "" where it is not there. Where IDs are
// numbers, their text will do as well: not every client keeps large numbers.
func (in *input) merchantID(name string, inst authority.Installation) authority.MerchantID {
	v, there := in.get(name)
	if !there {
		return ""
	}
	text, isText := v.Text()
	if n, ok := v.Int64(); ok && inst.MerchantIDs == authority.MerchantNumbers {
		text = strconv.FormatInt(n, 10)
	} else if !isText {
		in.wrong(name, "is not a "+string(inst.MerchantIDs))
		return ""
	}
	id, err := inst.ParseMerchantID(text)
	in.invalid(name, err)
	return id
}

// int is number for what is small.
func (in *input) int(name string) *int {
	n := in.number(name)
	if n == nil {
		return nil
	}
	if *n != int64(int32(*n)) {
		in.wrong(name, "is out of range")
	}
	small := int(*n)
	return &small
}

// sequence reads the number of an event; 0 where it is not there.
func (in *input) sequence(name string) int64 {
	text := in.text(name)
	if text == nil {
		return 0
	}
	n, err := strconv.ParseInt(*text, 10, 64)
	if err != nil || n < 0 {
		in.wrong(name, "is not the number of an event")
	}
	return n
}
