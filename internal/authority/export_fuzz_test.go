package authority_test

import (
	"bytes"
	"encoding/json"
	"io"
	"testing"

	"github.com/tokenwright/tokenwright/admin"
	"github.com/tokenwright/tokenwright/internal/fuzztest"
)

// C-535, R-50: what is read is what an independent reader reads, and written
// again it is read as the same.
func FuzzReadEvents(f *testing.F) {
	h := New(f)
	events := h.linked("4259")
	more := h.linked("acme-1")
	f.Add(array(events))
	f.Add(array(events[:1]) + array(nil) + array(more[:2]))
	for i := range events {
		f.Add(lines(events[i : i+1]))
		f.Add(array(more[i : i+1]))
	}
	f.Add("[{}]")
	f.Add(`{"seq":1,"seq":2}`)
	f.Fuzz(func(t *testing.T, text string) {
		defer fuzztest.Bound(t)()
		got, err := readAll(bytes.NewBufferString(text))
		if err != nil {
			return
		}
		want := decodeAll(t, text)
		if len(got) != len(want) {
			t.Fatalf("%q: %d events, want %d", text, len(got), len(want))
		}
		for i := range got {
			// Text and times are compared as they are written: merchants' IDs may be either.
			a, err := json.Marshal(wire(&got[i]))
			if err != nil {
				t.Fatal(err)
			}
			if want[i].MerchantID.String() != string(got[i].MerchantID) {
				t.Fatalf("%q: merchant %q, want %q", text, got[i].MerchantID, want[i].MerchantID)
			}
			want[i].MerchantID = wire(&got[i]).MerchantID
			b, err := json.Marshal(want[i])
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(a, b) {
				t.Fatalf("%q:\ngot  %s\nwant %s", text, a, b)
			}
		}
		again, err := readAll(bytes.NewBufferString(array(got)))
		if err != nil || array(again) != array(got) {
			t.Fatalf("%q: written again, %v", text, err)
		}
	})
}

// decodeAll reads what is known to be an export as encoding/json does.
func decodeAll(t *testing.T, text string) (events []admin.Event) {
	t.Helper()
	for d := json.NewDecoder(bytes.NewBufferString(text)); ; {
		var raw json.RawMessage
		if err := d.Decode(&raw); err == io.EOF {
			return events
		} else if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		var some []admin.Event
		if raw[0] != '[' {
			raw = append(append(json.RawMessage{'['}, raw...), ']')
		}
		if err := json.Unmarshal(raw, &some); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		events = append(events, some...)
	}
}
