package accesstoken

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/internal/fuzztest"
)

func tokenID(text string) TokenID {
	id, ok := ParseTokenID(text)
	if !ok {
		panic(text)
	}
	return id
}

var sampleFeed = Revocations{
	Issuer: "http://localhost:8080/demo", IssuedAt: 1764000000, Expiry: 1764000600, Lineage: 1, Seq: 1234,
	Cutoffs:     []Cutoff{{"twc_demo_pfFod2pYDekYmdA3GhepBf", 1764000000}, {"twc_demo_0000000000000000000000", 5}},
	Tokens:      []RevokedToken{{tokenID("jdUUNtb4_O64VgJeybVm0g"), 1764003600}},
	SigningKeys: []string{"bsoXiq2rMRNMa2WT_jh4UXx"},
}

func TestRevocationsAreWrittenAsDocumented(t *testing.T) {
	const want = `{"iss":"http://localhost:8080/demo","iat":1764000000,"exp":1764000600,"lineage":1,"seq":1234,"min_gen":0,` +
		`"cutoffs":[{"client_id":"twc_demo_pfFod2pYDekYmdA3GhepBf","gen":1764000000},{"client_id":"twc_demo_0000000000000000000000","gen":5}],` +
		`"tokens":[{"jti":"jdUUNtb4_O64VgJeybVm0g","exp":1764003600}],"signing_keys":["bsoXiq2rMRNMa2WT_jh4UXx"]}`
	if got := string(sampleFeed.AppendJSON(nil)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestRevocationsAreReadAsWritten(t *testing.T) {
	partial := sampleFeed
	partial.Partial, partial.After, partial.MinGeneration = true, 1200, 7
	empty := Revocations{Issuer: "x", Seq: 0, Partial: true}
	for _, f := range []Revocations{sampleFeed, partial, empty} {
		got, err := ParseRevocations(string(f.AppendJSON(nil)))
		if err != nil || !reflect.DeepEqual(*got, f) {
			t.Errorf("got %+v, %v, want %+v", got, err, f)
		}
	}
}

func TestParseRevocationsIsStrict(t *testing.T) { // C-104, C-108
	written := string(sampleFeed.AppendJSON(nil))
	for _, change := range [][2]string{
		{`"iss":"http://localhost:8080/demo"`, `"iss":""`}, {`"iss":"http`, `"iss":["x"],"x":"http`}, {`"iat":`, `"Iat":`}, {`"iat":1764000000`, `"iat":"1764000000"`},
		{`"exp":1764000600,`, ``}, {`"exp":1764000600`, `"exp":1e3`}, {`"lineage":1`, `"lineage":-1`}, {`"seq":1234`, `"seq":null`},
		{`"seq":1234`, `"seq":1234,"after":1235`}, {`"seq":1234`, `"seq":1234,"after":"1"`}, {`"seq":1234`, `"seq":1234,"seq":1235`},
		{`"seq":1234`, `"seq":1234,"SEQ":1235`}, {`"min_gen":0,`, ``}, {`"cutoffs":[`, `"cutoff":[`}, {`"cutoffs":[`, `"cutoffs":[1,`},
		{`"gen":5`, `"gen":5.0`}, {`"gen":5`, `"gen":5,"gen":6`}, {`"gen":5`, `"gen":9223372036854775808`}, {`{"client_id":"twc_demo_0`, `{"client":"twc_demo_0`},
		{`jdUUNtb4_O64VgJeybVm0g`, `jdUUNtb4_O64VgJeybVm0h`}, {`jdUUNtb4_O64VgJeybVm0g`, `jdUUNtb4/O64VgJeybVm0g`}, {`jdUUNtb4_O64VgJeybVm0g`, `jdUUNtb4_O64VgJeybVm`},
		{`jdUUNtb4_O64VgJeybVm0g`, `jdUUNtb4_O64VgJeybVm\n\n`}, {`"tokens":[`, `"tokens":{},"x":[`}, {`"signing_keys":[`, `"signing_keys":[null,`}, {`"signing_keys":[`, `"signing_keys":["",`},
		{`"signing_keys":["bsoXiq2rMRNMa2WT_jh4UXx"]`, `"signing_keys":"bsoXiq2rMRNMa2WT_jh4UXx"`}, {`]}`, `]}}`}, {`]}`, `]`},
	} {
		changed := strings.Replace(written, change[0], change[1], 1)
		if changed == written {
			t.Fatalf("%s is not there", change[0])
		}
		if f, err := ParseRevocations(changed); f != nil || !errors.Is(err, ErrRevocations) {
			t.Errorf("%s for %s: got %v, %v", change[1], change[0], f, err)
		}
	}
	if _, err := ParseRevocations(strings.Replace(written, `{`, `{"later":[{"x":1}],"y":{"z":[2]},`, 1)); err != nil {
		t.Errorf("a member of a later release is refused: %v", err)
	}
}

// What a feed costs to read is its size, not the number of its items.
func TestALargeFeedIsReadWithoutMemoryForEachItem(t *testing.T) {
	f := sampleFeed
	f.Tokens = make([]RevokedToken, 10_000)
	payload := string(f.AppendJSON(nil))
	allocations := testing.AllocsPerRun(1, func() {
		if _, err := ParseRevocations(payload); err != nil {
			t.Fatal(err)
		}
	})
	if allocations > 200 {
		t.Errorf("%.0f allocations for 10,000 tokens", allocations)
	}
}

//
func FuzzParseRevocations(f *testing.F) {
	written := string(sampleFeed.AppendJSON(nil))
	f.Add(written)
	f.Add(strings.Replace(written, `"seq":1234`, `"seq":1234,"after":3`, 1))
	f.Add(strings.Replace(written, `"gen":5`, `"gen":5,"GEN":6`, 1))
	f.Add(strings.Replace(written, `"tokens":[`, `"tokens":[[{"jti":"x"}],`, 1))
	f.Add(strings.Replace(written, `{"iss"`, `{"x":[{"y":{"z":[]}}],"iss"`, 1))
	f.Fuzz(func(t *testing.T, payload string) {
		defer fuzztest.Bound(t)()
		r, err := ParseRevocations(payload)
		if (r == nil) == (err == nil) {
			t.Fatalf("got %v and %v", r, err)
		}
		if err != nil {
			return
		}
		var lax struct {
			Issuer  string `json:"iss"`
			Seq     int64  `json:"seq"`
			Cutoffs []struct {
				ClientID   string `json:"client_id"`
				Generation int64  `json:"gen"`
			} `json:"cutoffs"`
			Tokens []struct {
				ID string `json:"jti"`
			} `json:"tokens"`
			SigningKeys []string `json:"signing_keys"`
		}
		if err := json.Unmarshal([]byte(payload), &lax); err != nil {
			t.Fatalf("encoding/json refuses it: %v", err)
		}
		if r.Issuer != lax.Issuer || r.Seq != lax.Seq || len(r.Cutoffs) != len(lax.Cutoffs) || len(r.Tokens) != len(lax.Tokens) ||
			len(r.SigningKeys) != len(lax.SigningKeys) {
			t.Fatalf("read %+v, encoding/json reads %+v", r, lax)
		}
		for i := range r.Cutoffs {
			if c := lax.Cutoffs[i]; r.Cutoffs[i] != (Cutoff{c.ClientID, c.Generation}) {
				t.Fatalf("read %+v, encoding/json reads %+v", r, lax)
			}
		}
		for i := range r.Tokens {
			if r.Tokens[i].ID.String() != lax.Tokens[i].ID {
				t.Fatalf("read %+v, encoding/json reads %+v", r, lax)
			}
		}
	})
}
