package authority_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/tokenwright/tokenwright/admin"
	"github.com/tokenwright/tokenwright/internal/authority"
)

// hostile are texts of which JSON has more than one form, or which a reader
// could take for something else.
var hostile = []string{
	`<script>&amp;</script>`, "a\u2028b\u2029c", "\xed\xa0\x80 half a pair", "\xff\xfe", "\ufffd", `}{][,"`, `\`, `\\"`, "\x00\x1f\x7f", "\U0001f511", "\r\n", "e\u0301",
}

// linked makes events with those texts in every field, linked as the store links
// them.
func (h *harness) linked(merchant authority.MerchantID) (events []authority.Event) {
	h.t.Helper()
	var previous []byte
	for i, text := range hostile {
		who := authority.Actor{ID: "cli:" + text, Address: "192.0.2.1", RequestID: text}
		set := map[string]any{"name": text, text: []any{text, map[string]any{text: text}}, "n": json.Number("123456789012345678901234567890.125e+7"), "empty": map[string]any{}}
		if i == 3 {
			who, merchant, set = authority.Actor{}, "", nil
		}
		d, err := h.NewDraft(who, authority.APIKeyUpdated, text, merchant, set, nil)
		h.must(err)
		e := d.Link(int64(i)+1, previous)
		events, previous = append(events, *e), e.Hash
		h.clock.advance(7 * time.Millisecond)
	}
	return events
}

// wire is an event as the admin API and the console write it.
func wire(e *authority.Event) admin.Event {
	out := admin.Event{Seq: e.Seq, Time: e.Time, Actor: e.Actor.ID, Address: e.Actor.Address, RequestID: e.Actor.RequestID, Kind: string(e.Kind), Subject: e.Subject,
		Env: e.Env, Details: json.RawMessage(e.Details), Hash: hex.EncodeToString(e.Hash)}
	switch {
	case e.MerchantID == "":
	case strings.Trim(string(e.MerchantID), "0123456789") == "":
		out.MerchantID = admin.NumberID(string(e.MerchantID))
	default:
		out.MerchantID = admin.TextID(string(e.MerchantID))
	}
	return out
}

// array is what `event list -o json` writes.
func array(events []authority.Event) string {
	out := []admin.Event{}
	for i := range events {
		out = append(out, wire(&events[i]))
	}
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(out); err != nil {
		panic(err)
	}
	return text.String()
}

// lines is what the console writes.
func lines(events []authority.Event) string {
	var text bytes.Buffer
	for i := range events {
		if err := json.NewEncoder(&text).Encode(wire(&events[i])); err != nil {
			panic(err)
		}
	}
	return text.String()
}

func readAll(r io.Reader) (events []authority.Event, err error) {
	for e, err := range authority.ReadEvents(r) {
		if err != nil {
			return events, err
		}
		events = append(events, *e)
	}
	return events, nil
}

// C-535, C-539: events come back from an export as they were hashed, to the byte,
// whatever stands in them and in whatever form the export was written.
func TestAnExportIsReadAsItWasHashed(t *testing.T) {
	h := New(t)
	for _, merchant := range []authority.MerchantID{"4259", "9007199254740991", "acme-1"} {
		events := h.linked(merchant)
		for what, text := range map[string]string{
			"an array": array(events), "lines": lines(events), "no line end": strings.TrimSpace(lines(events)), "no space": strings.ReplaceAll(lines(events), "\n", ""),
			"arrays one behind the other": array(events[:3]) + array(nil) + array(events[3:]), "lines behind an array": array(events[:3]) + "\r\n" + lines(events[3:]),
		} {
			got, err := readAll(iotest.OneByteReader(strings.NewReader(text)))
			if err != nil || len(got) != len(events) {
				t.Fatalf("%s: %d events, %v", what, len(got), err)
			}
			for i := range got {
				if got[i].RootKeyID != 0 {
					t.Errorf("%s: an export does not name the root key", what)
				}
				got[i].RootKeyID = 1
				if !reflect.DeepEqual(got[i], events[i]) {
					t.Errorf("%s:\ngot  %+v\nwant %+v", what, got[i], events[i])
				}
			}
			head, n, err := h.ChainKey().VerifyExport(authority.ReadEvents(strings.NewReader(text)), authority.EventHead{}, nil)
			if err != nil || n != int64(len(events)) || head.Seq != n {
				t.Errorf("%s: %d events to %s, %v", what, n, head, err)
			}
		}
	}
	if got, err := readAll(strings.NewReader(" \n")); err != nil || len(got) != 0 {
		t.Errorf("nothing is read as %v, %v", got, err)
	}
}

// C-535: what we do not write is refused, and the place is named.
func TestAnExportIsReadStrictly(t *testing.T) {
	h := New(t)
	events := h.linked("4259")[:1]
	line := lines(events)
	whole, hash := array(events), hex.EncodeToString(events[0].Hash)
	without := func(name string) string {
		var members map[string]json.RawMessage
		h.must(json.Unmarshal([]byte(line), &members))
		delete(members, name)
		text, err := json.Marshal(members)
		h.must(err)
		return string(text)
	}
	with := func(member string) string { return "{" + member + "," + line[1:] }
	for _, c := range []struct{ what, text, want string }{
		{"no JSON", "seq,time", "line 1: is no export"},
		{"a byte order mark", "\ufeff" + line, "line 1: is no export"},
		{"broken off in an event", line + line[:90], "line 2: the export breaks off"},
		{"broken off in an array", strings.TrimRight(whole, "]\n"), "the export breaks off"},
		{"broken off behind a comma", "[" + line + ",", "line 2: the export breaks off"},
		{"a comma too many", "[" + line + ",]", "line 2: is no export"},
		{"a comma between lines", line + "," + line, "line 2: is no export"},
		{"no comma", "[" + line + line + "]", "line 2: is no export"},
		{"an array in an array", "[[" + line + "]]", "line 1: is no export"},
		{"closed twice", whole + "]", "is no export"},
		{"a page of the admin API", `{"items":` + whole + `}`, `line 1: an event has no member "items"`},
		{"an unknown member", line + "\n" + with(`"note":1`), `line 3: an event has no member "note"`},
		{"a member twice", with(`"env":""`) + with(`"seq":1`), "stands twice"},
		{"in another case", with(`"Seq":2`), "stands twice"},
		{"twice in the details", strings.Replace(line, `"details":{`, `"details":{"name":"x",`, 1), "stands twice"},
		{"bad UTF-8", strings.Replace(line, "req", "\xff", 1) + with(`"env":"`+"\xff"+`"`), "UTF-8"},
		{"half a pair", with(`"env":"\ud800"`), "surrogate"},
		{"a fraction", strings.Replace(line, `"seq":1`, `"seq":1.0`, 1), "seq is not"},
		{"a number as text", strings.Replace(line, `"seq":1`, `"seq":"1"`, 1), "seq is not"},
		{"number 0", strings.Replace(line, `"seq":1`, `"seq":0`, 1), "seq is not"},
		{"more digits of time", strings.Replace(line, `.123Z"`, `.1239Z"`, 1), "time is not"},
		{"another zone", strings.Replace(line, `.123Z"`, `.123+00:00"`, 1), "time is not"},
		{"no time", strings.Replace(line, `.123Z"`, `"`, 1), "time is not"},
		{"upper case", strings.Replace(line, hash, strings.ToUpper(hash), 1), "hash is not"},
		{"a short hash", strings.Replace(line, hash, "00", 1), "hash is not"},
		{"a merchant that is no ID", strings.Replace(line, `:4259`, `:-1`, 1), "merchantId is not"},
		{"no merchant", strings.Replace(line, `:4259`, `:null`, 1), "merchantId is not"},
		{"an actor that is no text", strings.Replace(line, `"actor":"cli:`, `"actor":1,"env":"`, 1), "actor is not"},
		{"details as text", with(`"env":"x"`)[:1] + `"details":"{}",` + without("details")[1:], "details is not"},
		{"an endless event", with(`"env":"` + strings.Repeat("x", 1<<20) + `"`), "line 1: is longer"},
	} {
		got, err := readAll(strings.NewReader(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "line ") {
			t.Errorf("%s: %d events, %v, want %q", c.what, len(got), err, c.want)
		}
	}
	for _, name := range []string{"seq", "time", "actor", "kind", "subject", "details", "hash"} {
		if got, err := readAll(strings.NewReader(without(name))); err == nil || !strings.Contains(err.Error(), "the member "+name+" is missing") {
			t.Errorf("without %s: %v, %v", name, got, err)
		}
	}
	broken := errors.New("the disk is gone")
	if _, err := readAll(io.MultiReader(strings.NewReader(whole), iotest.ErrReader(broken))); !errors.Is(err, broken) {
		t.Errorf("%v, want the reader's error", err)
	}
}

// of hands out events as an export does.
func of(events []authority.Event) iter.Seq2[*authority.Event, error] {
	return authority.ReadEvents(strings.NewReader(lines(events)))
}

func headOf(e authority.Event) authority.EventHead {
	return authority.EventHead{Seq: e.Seq, Hash: e.Hash}
}

func headsOf(e authority.Event) []authority.EventHead { return []authority.EventHead{headOf(e)} }

// C-536: with the event-chain key alone, what was changed, removed, exchanged,
// added or cut off is named.
func TestVerifyExportNamesTheFirstBrokenPlace(t *testing.T) {
	h := New(t)
	h.chain(6)
	events, err := h.Events(h.ctx, actor, authority.EventFilter{}, 0, 100)
	h.must(err)
	last := len(events) - 1
	change := func(at int, f func(*authority.Event)) []authority.Event {
		changed := slices.Clone(events)
		f(&changed[at])
		return changed
	}
	forged := events[last]
	forged.Seq++
	exchanged := slices.Clone(events)
	exchanged[3], exchanged[4] = exchanged[4], exchanged[3]
	renumbered := slices.Clone(exchanged)
	renumbered[3].Seq, renumbered[4].Seq = 4, 5
	reversed := slices.Clone(events)
	slices.Reverse(reversed)
	other := New(t)
	for _, c := range []struct {
		what   string
		events []authority.Event
		from   authority.EventHead
		noted  []authority.EventHead
		seq    int64 // that is named; 0: all is well
		n      int64
	}{
		{"all", events, authority.EventHead{}, nil, 0, 7},
		{"all, with a head", events, authority.EventHead{}, headsOf(events[4]), 0, 7},
		{"all, with the last head", events, authority.EventHead{}, headsOf(events[last]), 0, 7},
		{"behind a head", events, headOf(events[2]), headsOf(events[last]), 0, 4},
		{"behind a head, without what stands before", events[3:], headOf(events[2]), nil, 0, 4},
		{"behind the last", events, headOf(events[last]), headsOf(events[last]), 0, 0},
		{"from the middle", events[3:], authority.EventHead{}, headsOf(events[3]), 0, 3},

		{"details", change(3, func(e *authority.Event) { e.Details = `{"name":"x"}` }), authority.EventHead{}, nil, 4, 3},
		{"time", change(0, func(e *authority.Event) { e.Time = e.Time.Add(1e6) }), authority.EventHead{}, nil, 1, 0},
		{"address moved to the actor", change(6, func(e *authority.Event) { e.Actor.ID, e.Actor.Address = e.Actor.ID+"1", "92.0.2.1" }), authority.EventHead{}, nil, 7, 6},
		{"hash", change(2, func(e *authority.Event) { e.Hash = make([]byte, 32) }), authority.EventHead{}, nil, 3, 2},
		{"the hash of the first of a part", change(3, func(e *authority.Event) { e.Hash = make([]byte, 32) })[3:], authority.EventHead{}, nil, 5, 0},
		{"the first", events[1:], authority.EventHead{Seq: 0}, headsOf(events[last]), 0, 5}, // nothing tells that it was left out
		{"one removed", slices.Delete(slices.Clone(events), 3, 4), authority.EventHead{}, nil, 4, 3},
		{"exchanged", exchanged, authority.EventHead{}, nil, 4, 3},
		{"exchanged and renumbered", renumbered, authority.EventHead{}, nil, 4, 3},
		{"twice", slices.Insert(slices.Clone(events), 3, events[2]), authority.EventHead{}, nil, 3, 3},
		{"the newest first", reversed, authority.EventHead{}, nil, 6, 0},
		{"added", append(slices.Clone(events), forged), authority.EventHead{}, nil, 8, 7},
		{"the tail cut off", events[:5], authority.EventHead{}, headsOf(events[last]), 6, 5},
		{"all cut off", nil, headOf(events[2]), headsOf(events[last]), 4, 0},
		{"another event noted", events, authority.EventHead{}, []authority.EventHead{{Seq: 3, Hash: events[4].Hash}}, 3, 2},
		{"another beginning", events, authority.EventHead{Seq: 3, Hash: events[4].Hash}, nil, 3, 0},
		{"another beginning, which is not there", events[3:], authority.EventHead{Seq: 3, Hash: events[4].Hash}, nil, 4, 0},
		{"begun behind another event than was noted", events[3:], headOf(events[2]), []authority.EventHead{{Seq: 3, Hash: events[4].Hash}}, 3, 0},
		{"a gap behind the head", events[4:], headOf(events[2]), nil, 4, 0},
	} {
		head, n, err := h.ChainKey().VerifyExport(of(c.events), c.from, c.noted)
		var broken *authority.ChainError
		if c.seq == 0 && (err != nil || head.String() != headOf(events[last]).String()) || c.seq != 0 && (!errors.As(err, &broken) || broken.Seq != c.seq) || n != c.n {
			t.Errorf("%s: %d events to %d, %v; want %d, and event %d to be named", c.what, n, head.Seq, err, c.n, c.seq)
		}
	}
	var broken *authority.ChainError
	if _, n, err := other.ChainKey().VerifyExport(of(events), authority.EventHead{}, nil); !errors.As(err, &broken) || broken.Seq != 1 || n != 0 {
		t.Errorf("with the key of another installation: %d events, %v", n, err)
	}
	for what, c := range map[string]struct {
		from  authority.EventHead
		noted []authority.EventHead
	}{
		"a head before the export": {authority.EventHead{}, headsOf(events[2])}, "a head before the walk": {headOf(events[2]), headsOf(events[1])},
	} {
		if _, _, err := h.ChainKey().VerifyExport(of(events[4:]), c.from, c.noted); err == nil || errors.As(err, &broken) {
			t.Errorf("%s, which can be compared with nothing: %v", what, err)
		}
	}
	if _, n, err := h.ChainKey().VerifyExport(authority.ReadEvents(strings.NewReader(lines(events[:2])+"x")), authority.EventHead{}, nil); n != 2 || err == nil || errors.As(err, &broken) {
		t.Errorf("an export that cannot be read: %d events, %v", n, err)
	}
}

// C-537: the event-chain key is handed over as text, is no other key of ours, and
// prints as its name.
func TestTheChainKeyIsText(t *testing.T) {
	h := New(t)
	events := h.linked("4259")
	key, err := authority.ParseChainKey(h.ChainKey().Text() + "\n")
	h.must(err)
	if _, n, err := key.VerifyExport(of(events), authority.EventHead{}, headsOf(events[len(events)-1])); err != nil || n != int64(len(events)) {
		t.Errorf("%d events, %v", n, err)
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		if got := fmt.Sprintf(format, key); got != "[event-chain key]" {
			t.Errorf("%s prints %s", format, got)
		}
	}
	raw, err := base64.StdEncoding.DecodeString(key.Text())
	h.must(err)
	_, master := authority.NewMasterKey()
	for what, text := range map[string]string{"nothing": "", "a master key": master, "the key without its ID": base64.StdEncoding.EncodeToString(raw[8:]),
		"a part": key.Text()[:52], "more": base64.StdEncoding.EncodeToString(append(raw, 0)), "no base64": strings.Repeat("*", 56)} {
		if got, err := authority.ParseChainKey(text); err == nil || text != "" && strings.Contains(err.Error(), text) {
			t.Errorf("%s is read as %v, %v", what, got, err)
		}
	}
	raw[7]++
	key, err = authority.ParseChainKey(base64.StdEncoding.EncodeToString(raw))
	h.must(err)
	if _, _, err := key.VerifyExport(of(events), authority.EventHead{}, nil); err == nil {
		t.Error("the key of another root key verifies")
	}
}

// C-536: of many heads that were noted, each must be in the chain.
func TestEveryNotedHeadIsCompared(t *testing.T) {
	h := New(t)
	h.chain(6)
	events, err := h.Events(h.ctx, actor, authority.EventFilter{}, 0, 100)
	h.must(err)
	noted := func(at ...int) (heads []authority.EventHead) {
		for _, i := range at {
			heads = append(heads, headOf(events[i]))
		}
		return heads
	}
	another := authority.EventHead{Seq: 4, Hash: events[5].Hash}
	for _, c := range []struct {
		what  string
		noted []authority.EventHead
		seq   int64
	}{
		{"none", nil, 0}, {"in any order, some twice", noted(5, 0, 6, 3, 3, 0), 0}, {"one of them another", append(noted(6, 0, 5, 3), another), 4},
		{"one never reached", append(noted(6, 1), authority.EventHead{Seq: 9, Hash: another.Hash}), 8},
	} {
		_, _, inExport := h.ChainKey().VerifyExport(of(events), authority.EventHead{}, c.noted)
		_, inDatabase := h.VerifyEvents(h.ctx, c.noted, nil)
		for _, err := range []error{inExport, inDatabase} {
			var broken *authority.ChainError
			if c.seq == 0 && err != nil || c.seq != 0 && (!errors.As(err, &broken) || broken.Seq != c.seq) {
				t.Errorf("%s: %v, want event %d to be named", c.what, err, c.seq)
			}
		}
	}
}

// C-537: that the event-chain key was handed out is an event.
func TestShowingTheChainKeyIsAnEvent(t *testing.T) {
	h := New(t)
	key, err := h.ShowChainKey(h.ctx, actor)
	h.must(err)
	if key != h.ChainKey() {
		t.Error("another key was shown")
	}
	events, err := h.Events(h.ctx, actor, authority.EventFilter{Kind: authority.ChainKeyShown}, 0, 10)
	h.must(err)
	if len(events) != 1 || events[0].Actor != recorded(actor) || events[0].Subject != "1" || events[0].Details != "{}" {
		t.Errorf("events %+v", events)
	}
	h.must(h.store.Close())
	if key, err := h.ShowChainKey(h.ctx, actor); err == nil || key == h.ChainKey() {
		t.Errorf("without a record: %v", err)
	}
}
