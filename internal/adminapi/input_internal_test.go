package adminapi

import (
	"slices"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/fuzztest"
	"github.com/tokenwright/tokenwright/internal/strictjson"
)

// R-50, C-396: whatever a query or a body is, reading it ends, and what is not
// said to be wrong is within its bounds.
func FuzzInput(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"a":null}`, `{"a":1764000000}`, `{"a":-1}`, `{"a":true}`, `{"a":"2027-01-31T00:00:00Z"}`, `{"a":["192.0.2.0/24","::1"]}`,
		`{"a":[{"merchantId":1,"role":"viewer"}]}`, `{"a":"90d","b":1,"B":2}`, "a=90d", "a=true&b=1&b=2", "a=%00", "a=%ff;b", "a=0001-01-01T00:00:00.0001Z", "a=4259",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		defer fuzztest.Bound(t)()
		if in, err := readQuery(text); err == nil {
			readAll(t, in)
		}
		if members, err := strictjson.ParseObject(text); err == nil {
			readAll(t, input{members: members})
		}
	})
}

// readAll reads the member a as each kind of thing, and holds what is said of it.
func readAll(t *testing.T, in input) {
	numbers := authority.Installation{MerchantIDs: authority.MerchantNumbers}
	for what, within := range map[string]func(in *input) bool{
		"text":   func(in *input) bool { s := in.text("a"); return s == nil || utf8.ValidString(*s) },
		"number": func(in *input) bool { in.number("a"); return true },
		"int":    func(in *input) bool { n := in.int("a"); return n == nil || int64(*n) == int64(int32(*n)) },
		"flag":   func(in *input) bool { in.flag("a"); return true },
		"truth":  func(in *input) bool { in.truth("a"); return true },
		"texts":  func(in *input) bool { in.texts("a"); return true },
		"cidrs":  func(in *input) bool { in.cidrs("a"); return true },
		"time": func(in *input) bool {
			at := in.instant("a")
			return at.IsZero() || !at.Before(time.Unix(0, 0)) && at.UTC().Year() <= 9999
		},
		"span":        func(in *input) bool { return in.span("a", 0) >= 0 },
		"sequence":    func(in *input) bool { return in.sequence("a") >= 0 },
		"merchantID":  func(in *input) bool { id := in.merchantID("a", numbers); return id == "" || isText(string(id)) },
		"memberships": func(in *input) bool { in.memberships("a", numbers); return true },
	} {
		one := input{members: in.members, isQuery: in.isQuery, bad: slices.Clone(in.bad)}
		if ok := within(&one); !ok && len(one.bad) == 0 {
			t.Errorf("%s: %v is taken", what, in.members)
		}
		for _, e := range one.problems("is unknown") {
			if e.Field == "" && len(in.members) == 0 || e.Reason == "" || !utf8.ValidString(e.Field) {
				t.Errorf("%s: %+v", what, e)
			}
		}
	}
}
