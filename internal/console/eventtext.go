package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
)

// eventRow is an event as people read it.
type eventRow struct {
	authority.Event
	Text    string // of its kind: "API key created"
	Who     party
	About   party
	Where   party // its merchant; "" on the pages of one, and where it is about that itself
	Facts   []fact
	HashHex string
}

// party is somebody or something that an event tells of.
type party struct {
	ID   string // as events name it
	Name string // as people call it; ID where nobody knows
	Link string // events with the same
	Page string // its own page; "" for none
}

// Named tells whether the name says more than the ID.
func (p party) Named() bool { return p.Name != p.ID }

// fact is one of an event's details.
type fact struct {
	Name, Text string
	Time       time.Time // where it is one
}

// thingNames are what the first part of a kind is called, where that is not its
// own words.
var thingNames = map[string]string{"api_key": "API key", "token": "Access token"}

func thingName(thing string) string {
	if name, ok := thingNames[thing]; ok {
		return name
	}
	return capital(strings.ReplaceAll(thing, "_", " "))
}

func capital(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// kindText puts a kind in words.
func kindText(k authority.EventKind) string {
	thing, what, _ := strings.Cut(string(k), ".")
	return thingName(thing) + " " + strings.ReplaceAll(what, "_", " ")
}

// eventRows puts events in words. Names are read for all of them at once; who is
// deleted has none.
func (c *Console) eventRows(v *visit, events []authority.Event) ([]eventRow, error) {
	names, err := v.readNames(of(events))
	if err != nil {
		return nil, err
	}
	rows := make([]eventRow, len(events))
	for i := range events {
		e := &events[i]
		rows[i] = eventRow{Event: *e, Text: kindText(e.Kind), Facts: factsOf(e.Details), HashHex: fmt.Sprintf("%x", e.Hash),
			Who: names.actor(v, e), About: names.subject(v, e)}
		if v.merchant == nil && e.MerchantID != "" && string(e.MerchantID) != e.Subject {
			rows[i].Where = names.merchant(e.MerchantID)
		}
	}
	return rows, nil
}

// of returns those whom events name.
func of(events []authority.Event) named {
	all := named{}
	for i := range events {
		e := &events[i]
		all.actor(e.Actor.ID)
		all[e.Subject], all[string(e.MerchantID)] = true, true
	}
	return all
}

// narrowed is the address of the list with one more filter, relative to it: a page
// has a hundred of them.
func (v *visit) narrowed(name, value string) string {
	return "?" + strings.TrimPrefix(strings.TrimPrefix(v.address(map[string]string{name: value}), v.Request.URL.Path), "?")
}

// actor is who has made an event.
func (n names) actor(v *visit, e *authority.Event) party {
	return party{ID: e.Actor.ID, Name: n.Actor(e.Actor.ID), Link: v.narrowed("actor", e.Actor.ID)}
}

// subject is what an event is about.
func (n names) subject(v *visit, e *authority.Event) party {
	p := party{ID: e.Subject, Name: e.Subject, Link: v.narrowed("subject", e.Subject)}
	name, known := n.keys[authority.ClientID(e.Subject)]
	switch {
	case known:
		if e.MerchantID != "" {
			p.Page = merchantPath(e.MerchantID, "api-keys", e.Env, e.Subject)
		}
	case strings.HasPrefix(string(e.Kind), "merchant."):
		name = n.merchants[authority.MerchantID(e.Subject)]
	default:
		name = n.users[account.UserID(e.Subject)]
	}
	if name != "" {
		p.Name = name
	}
	return p
}

func (n names) merchant(id authority.MerchantID) party {
	p := party{ID: string(id), Name: string(id), Page: merchantPath(id, "events")}
	if name := n.merchants[id]; name != "" {
		p.Name = name
	}
	return p
}

// factsOf reads the details of an event, a JSON object, in the order of its names.
func factsOf(details string) (list []fact) {
	d := json.NewDecoder(strings.NewReader(details))
	d.UseNumber()
	var object map[string]any
	if d.Decode(&object) != nil {
		return []fact{{Name: "details", Text: details}} // nothing of ours writes such; it is not lost
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		f := fact{Name: fieldWords(name), Text: valueText(object[name])}
		if text, ok := object[name].(string); ok {
			f.Time, _ = time.Parse(time.RFC3339, text)
		}
		list = append(list, f)
	}
	return list
}

// fieldWords puts the name of a JSON member in words: keyLimit is key limit.
func fieldWords(name string) string {
	var out bytes.Buffer
	for _, r := range name {
		if 'A' <= r && r <= 'Z' {
			out.WriteByte(' ')
			r += 'a' - 'A'
		}
		if r == '_' {
			r = ' '
		}
		out.WriteRune(r)
	}
	return out.String()
}

// valueText writes a JSON value as people would.
func valueText(value any) string {
	switch value := value.(type) {
	case nil:
		return "none"
	case string:
		if value == "" {
			return "empty"
		}
		return value
	case bool:
		return map[bool]string{true: "yes", false: "no"}[value]
	case []any:
		texts := make([]string, len(value))
		for i := range value {
			texts[i] = valueText(value[i])
		}
		if len(texts) == 0 {
			return "none"
		}
		return strings.Join(texts, ", ")
	case map[string]any:
		var texts []string
		for _, name := range slices.Sorted(maps.Keys(value)) {
			texts = append(texts, name+": "+valueText(value[name]))
		}
		return strings.Join(texts, ", ")
	}
	return fmt.Sprint(value) // a number
}
