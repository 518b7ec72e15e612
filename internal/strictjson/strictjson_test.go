package strictjson

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tokenwright/tokenwright/internal/fuzztest"
)

// C-010, C-011, C-012, C-104.
func TestParseObjectRefusesWhatTwoReadersWouldReadDifferently(t *testing.T) {
	for name, in := range map[string]string{
		"empty":                "",
		"null":                 "null",
		"array":                `["a"]`,
		"string":               `"a"`,
		"number":               `1`,
		"duplicate":            `{"a":"1","a":"2"}`,
		"duplicate, escaped":   `{"a":"1","\u0061":"2"}`,
		"case variant":         `{"scope":"1","SCOPE":"2"}`,
		"case variant, long s": `{"scope":"1","ſcope":"2"}`,
		"nested duplicate":     `{"claims":{"env":"demo","Env":"production"}}`,
		"duplicate in array":   `{"a":[{"b":1,"b":2}]}`,
		"trailing data":        `{"a":"1"}x`,
		"two documents":        `{"a":"1"}{"a":"1"}`,
		"trailing comma":       `{"a":"1",}`,
		"array comma":          `{"a":[1,]}`,
		"no colon":             `{"a" "1"}`,
		"bare name":            `{a:"1"}`,
		"single quotes":        `{'a':'1'}`,
		"comment":              `{"a":"1"/**/}`,
		"byte order mark":      "\uFEFF{}",
		"bad UTF-8":            "{\"a\":\"\xff\"}",
		"overlong UTF-8":       "{\"a\":\"\xc0\xaf\"}",
		"lone high surrogate":  `{"a":"\ud800"}`,
		"lone low surrogate":   `{"a":"\udc00"}`,
		"two high surrogates":  `{"a":"\ud800\ud800"}`,
		"high then text":       `{"a":"\ud800x"}`,
		"newline in string":    "{\"a\":\"\n\"}",
		"NUL in string":        "{\"a\":\"\x00\"}",
		"NUL between":          "{\x00}",
		"unknown escape":       `{"a":"\x"}`,
		"escape at end":        `{"a":"\`,
		"NUL escape":           "{\"a\":\"\\\x00\"}",
		"short unicode":        `{"a":"\u12"}`,
		"signed unicode":       `{"a":"\u+123"}`,
		"leading zero":         `{"a":01}`,
		"plus":                 `{"a":+1}`,
		"bare point":           `{"a":1.}`,
		"bare exponent":        `{"a":1e}`,
		"minus alone":          `{"a":-}`,
		"hex":                  `{"a":0x1}`,
		"beyond float64":       `{"a":1e999}`,
		"just beyond":          `{"a":` + strings.Repeat("9", 309) + `}`,
		"beyond, no exponent":  `{"a":[-` + strings.Repeat("9", 400) + `.5]}`,
		"NaN":                  `{"a":NaN}`,
		"True":                 `{"a":True}`,
		"unclosed":             `{"a":"1"`,
		"unclosed string":      `{"a":"1`,
		"too deep":             `{"a":` + strings.Repeat("[", 16) + strings.Repeat("]", 16) + `}`,
		"far too deep":         strings.Repeat(`{"a":`, 100_000),
		"too many members":     manyMembers(129),
		"no value":             `{"a"}`,
		"duplicate, no value":  `{"a":1,"a"}`,
		"too many, no value":   strings.TrimSuffix(manyMembers(129), ":1}") + "}",
		"value, then a string": `{"a":"\,"b":1}`,
		"name, then a string":  `{"\,"b":1}`,
		"string cut by a line": "{\"a\":\"x\n,\"b\":1}",
		"and with an escape":   "{\"a\":\"\\n\n,\"b\":1}",
		"form feed":            "{\f}",
		"no-break space":       "{\u00a0}",
	} {
		if o, err := ParseObject(in); !errors.Is(err, ErrSyntax) || o != nil {
			t.Errorf("%s: got %v, %v; want a syntax error", name, o, err)
		}
	}
}

func manyMembers(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(`,"` + strings.Repeat("m", i+1) + `":1`)
	}
	return "{" + b.String()[1:] + "}"
}

func TestParseObjectReadsEveryKind(t *testing.T) {
	o, err := ParseObject(" {\"s\" : \"\\u00e9\\\"\\\\\\/\\b\\f\\n\\r\\t\\ud83d\\ude00 é\", \"n\":-12,\"t\":true,\"f\":false,\"z\":null,\"a\":[1,\"x\",{}],\"o\":{\"i\":{}}}\n")
	if err != nil {
		t.Fatal(err)
	}
	get := func(name string) Value {
		v, ok := o.Get(name)
		if !ok {
			t.Fatalf("member %s is missing", name)
		}
		return v
	}
	if s, ok := get("s").Text(); !ok || s != "é\"\\/\b\f\n\r\t😀 é" {
		t.Errorf("s = %q", s)
	}
	if n, ok := get("n").Int64(); !ok || n != -12 {
		t.Errorf("n = %d, %v", n, ok)
	}
	if b, ok := get("t").Bool(); !ok || !b {
		t.Error("t is not true")
	}
	if b, ok := get("f").Bool(); !ok || b {
		t.Error("f is not false")
	}
	if get("z").Kind() != Null {
		t.Error("z is not null")
	}
	if a, ok := get("a").Array(); !ok || len(a) != 3 || a[1].text != "x" || a[2].Kind() != ObjectKind {
		t.Errorf("a = %v", a)
	}
	if inner, ok := get("o").Object(); !ok || len(inner) != 1 || inner[0].Name != "i" {
		t.Errorf("o = %v", inner)
	}
	if _, ok := o.Get("S"); ok {
		t.Error("Get folds case")
	}
	if _, ok := get("n").Text(); ok {
		t.Error("a number is a text")
	}
	if _, ok := get("o").Array(); ok {
		t.Error("an object is an array")
	}
	spaced, err := ParseObject("{\t\"\" : [ ] , \"a b\":[ 1 , 2\r\n] , \"c\" : { } , \"d\":\"x y\",\"e\":1e+5,\"f\":[1E-5,-1e5]}")
	if err != nil || len(spaced) != 6 {
		t.Errorf("with white space: %v, %v", spaced, err)
	}
	if _, err := ParseObject(manyMembers(128)); err != nil {
		t.Errorf("128 members: %v", err)
	}
	if _, err := ParseObject(`{"a":` + strings.Repeat("[", 14) + `0` + strings.Repeat("]", 14) + `}`); err != nil {
		t.Errorf("16 levels: %v", err)
	}
}

// C-010, C-011: whatever folds to one another is compared.
func TestNamesThatFoldBeginAlike(t *testing.T) {
	names := []string{"", "\u017f", "\u017fa", "\u212a", "\u212aid", "\u00e9", "\u00c9", "sa", "kid", "KID"}
	for c := range 128 {
		names = append(names, string(rune(c)))
	}
	for _, a := range names {
		for _, b := range names {
			if strings.EqualFold(a, b) && !beginAlike(a, b) {
				t.Errorf("%q and %q", a, b)
			}
		}
	}
	if beginAlike("iss", "aud") {
		t.Error("two that fold to nothing in common are compared")
	}
}

// C-108: what is no integer is never rounded into one.
func TestInt64TakesIntegersOnly(t *testing.T) {
	for _, number := range []string{"1.0", "1.5", "1e3", "1E3", "9223372036854775808", "-9223372036854775809", `"1"`, "null", "[1]"} {
		o, err := ParseObject(`{"n":` + number + `}`)
		if err != nil {
			t.Fatal(err)
		}
		if n, ok := o[0].Value.Int64(); ok {
			t.Errorf("%s was read as %d", number, n)
		}
	}
}

// What this package accepts, encoding/json accepts with the same meaning.
// encoding/json reads the same out of what is accepted, and refuses the
// rest too, but for what has two meanings or is out of bounds.
func FuzzParseObject(f *testing.F) {
	f.Add(`{"a":{"b":1,"B":2}}`)
	f.Add(`{"a":"\ud800"}`)
	f.Add(`{"a":` + strings.Repeat("[", 16) + strings.Repeat("]", 16) + `}`)
	f.Add(`{"a":` + strings.Repeat("[", 15) + strings.Repeat("]", 15) + `}`)
	f.Add(manyMembers(128))
	f.Add(manyMembers(129))
	for _, seed := range []string{`{}`, `{"a":"b","c":[1,2.5e3,{"d":null}]}`, `{"a":"\ud83d\ude00"}`, `{"scope":"x","Scope":"y"}`, `{"a":tru}`, `{"a":1e999,"b":-0.1E-999}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		defer fuzztest.Bound(t)()
		o, err := ParseObject(in)
		if err != nil {
			if o != nil || !errors.Is(err, ErrSyntax) || !utf8.ValidString(err.Error()) {
				t.Fatalf("refused with %v, %v", o, err)
			}
			if strings.HasPrefix(strings.TrimLeft(in, " \t\r\n"), "{") && json.Valid([]byte(in)) && !twoMeanings(in) && !halfPair.MatchString(in) {
				t.Fatalf("%q is refused: %v", in, err)
			}
			return
		}
		if twoMeanings(in) {
			t.Fatalf("%q is accepted", in)
		}
		var lax map[string]any
		if err := json.Unmarshal([]byte(in), &lax); err != nil {
			t.Fatalf("encoding/json refuses what we accept: %v", err)
		}
		var std map[string]any
		dec := json.NewDecoder(strings.NewReader(in))
		dec.UseNumber()
		if err := dec.Decode(&std); err != nil {
			t.Fatalf("encoding/json refuses what we accept: %v", err)
		}
		if got := plain(Value{kind: ObjectKind, items: o}); !reflect.DeepEqual(got, any(std)) {
			t.Fatalf("read as %v, by encoding/json as %v", got, std)
		}
	})
}

var halfPair = regexp.MustCompile(`\\u[dD][89a-fA-F]`) // whole pairs are not told apart from halves

// twoMeanings tells whether valid JSON has something in it for which we refuse
// it, half pairs apart.
func twoMeanings(in string) bool {
	if !utf8.ValidString(in) {
		return true
	}
	type level struct {
		object, name bool
		names        []string
	}
	var levels []level
	dec := json.NewDecoder(strings.NewReader(in))
	dec.UseNumber()
	for {
		token, err := dec.Token()
		if err != nil {
			return false
		}
		var top *level
		if len(levels) > 0 {
			top = &levels[len(levels)-1]
			top.name = top.object && !top.name // names and values take turns
		}
		switch token := token.(type) {
		case json.Delim:
			if token == ']' || token == '}' {
				levels = levels[:len(levels)-1]
			} else if levels = append(levels, level{object: token == '{'}); len(levels) > 16 {
				return true
			}
		case json.Number:
			if _, err := token.Float64(); err != nil {
				return true
			}
		case string:
			if !top.name {
				continue
			}
			if len(top.names) == 128 || slices.ContainsFunc(top.names, func(n string) bool { return strings.EqualFold(n, token) }) {
				return true
			}
			top.names = append(top.names, token)
		}
	}
}

func plain(v Value) any {
	switch v.kind {
	case Bool:
		return v.text == "true"
	case Number:
		return json.Number(v.text)
	case String:
		return v.text
	case Array:
		items := []any{}
		for _, m := range v.items {
			items = append(items, plain(m.Value))
		}
		return items
	case ObjectKind:
		members := map[string]any{}
		for _, m := range v.items {
			members[m.Name] = plain(m.Value)
		}
		return members
	}
	return nil
}

func BenchmarkParseObject(b *testing.B) {
	const body = `{"client_id":"twc_demo_0123456789012345678901","client_secret":"tws_demo_0123456789012345678901234567890123456789012345678","grant_type":"client_credentials"}`
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseObject(body); err != nil {
			b.Fatal(err)
		}
	}
}

// Items are read as ParseObject reads them, and no other object loses its memory
// to them.
func TestParseItemsHandsOutTheItemsOfMembers(t *testing.T) {
	const in = `{"n":{"k":{"v":1},"l":[{"w":2}]},"a":[{"x":"1","y":2},{"x":"3"},[{"z":4},{"z":5}],6],"m":{"k":{"v":7}},"b":[{"x":"8"}]}`
	var items []string
	show := func(v Value) string {
		o, _ := v.Object()
		return fmt.Sprint(len(o), " ", v.Kind())
	}
	o, err := ParseItems(in, func(name string, v Value) error {
		items = append(items, name+" "+show(v))
		if o, ok := v.Object(); ok {
			x, _ := o.Get("x")
			text, _ := x.Text()
			items[len(items)-1] += " " + text
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"a 2 5 1", "a 1 5 3", "a 2 4", "a 0 2", "b 1 5 8"}; !slices.Equal(items, want) {
		t.Errorf("got items %q, want %q", items, want)
	}
	whole, err := ParseObject(in)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"n", "m"} {
		got, _ := o.Get(name)
		want, _ := whole.Get(name)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("member %s: got %v, want %v", name, got, want)
		}
	}
	enough := errors.New("enough")
	if _, err := ParseItems(in, func(string, Value) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("got error %v, want that of item", err)
	}
	for _, broken := range []string{`{"a":[{"x":1,"X":2}]}`, `{"a":[1,]}`, `{"a":[1],"a":[2]}`, `{"a":[1]}}`} {
		if _, err := ParseItems(broken, func(string, Value) error { return nil }); !errors.Is(err, ErrSyntax) {
			t.Errorf("%s: got error %v", broken, err)
		}
	}
}
