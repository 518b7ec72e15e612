package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"iter"
	"testing"

	"github.com/tokenwright/tokenwright/admin"
)

// C-538: events are written as they come, as any other list is; where they break
// off, what is there is no JSON.
func TestEventsAreWrittenAsTheyCome(t *testing.T) {
	t.Parallel()
	events := []admin.Event{{Seq: 1, Subject: "<&>", Details: json.RawMessage(`{"a":[1,2],"b":{}}`)}, {Seq: 2, MerchantID: admin.NumberID("7"), Details: json.RawMessage(`{}`)}, {Seq: 3, Details: json.RawMessage(`{}`)}}
	broken := errors.New("the server is gone")
	of := func(n int, end error) iter.Seq2[admin.Event, error] {
		return func(yield func(admin.Event, error) bool) {
			for _, e := range events[:n] {
				if !yield(e, nil) {
					return
				}
			}
			if end != nil {
				yield(admin.Event{}, end)
			}
		}
	}
	for n := range len(events) + 1 {
		var got, limited, want bytes.Buffer
		a := &app{stdout: &got, output: "json"}
		b := &app{stdout: &limited, output: "json"}
		c := &app{stdout: &want, output: "json"}
		if err := errors.Join(a.listEvents(of(n, nil), 0), b.listEvents(of(len(events), broken), int64(max(n, 1))), c.print(events[:n], nil)); err != nil {
			t.Fatal(err)
		}
		if got.String() != want.String() || n > 0 && limited.String() != want.String() {
			t.Errorf("%d events are\n%s\nwith a limit\n%s\nwant\n%s", n, got.String(), limited.String(), want.String())
		}
	}
	var part bytes.Buffer
	a := &app{stdout: &part, output: "json"}
	if err := a.listEvents(of(2, broken), 0); !errors.Is(err, broken) || json.Valid(part.Bytes()) {
		t.Errorf("what broke off is %q, %v", part.String(), err)
	}
}
