package authority

import (
	"go/ast"
	"go/parser"
	"go/token"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Every Reason has a number among the outcomes, but those that stand before
// any client ID.
func TestEveryReasonIsCounted(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "token.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	uncounted := []Reason{IDPlaceholder, IDBlanks, IDQuotes, IDIsSecret, IDForm, IDUnknownEnvironment}
	found := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); !ok || kind.Name != "Reason" {
			return true
		}
		text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		found++
		if slices.Contains(outcomes[:], Outcome(text)) == slices.Contains(uncounted, Reason(text)) {
			t.Errorf("the reason %s is counted, or is not", text)
		}
		return true
	})
	if found < len(uncounted)+10 {
		t.Errorf("token.go has %d reasons", found)
	}
}

// Many hours that no store takes become one, and no count is lost.
func TestWaitingUsageIsBounded(t *testing.T) {
	const keys = 1000
	var u usage
	now := time.UnixMilli(1764000000123)
	var rest []useCount
	for hour := range usageWaiting/keys + 2 {
		for i := range keys {
			k := usageKey{hour: uint32(hour), secret: 1}
			copy(k.id[:], strings.Repeat("0", 18)+strconv.Itoa(1000+i))
			rest = append(rest, useCount{usageKey: k, count: 2, at: int64(hour), address: [16]byte{byte(hour)}})
		}
	}
	total := len(rest) * 2
	u.putBack(rest, now)
	all := u.take()
	sum := 0
	for _, n := range all {
		sum += int(n.count)
		if n.hour != uint32(now.Unix()/3600) || n.at != int64(usageWaiting/keys+1) || n.address[0] != byte(n.at) {
			t.Fatalf("got %+v", n)
		}
	}
	if len(all) != keys || sum != total {
		t.Errorf("%d rows wait, with a sum of %d, want %d with %d", len(all), sum, keys, total)
	}
}

// BenchmarkUsage is what counting adds to a token request.
func BenchmarkUsage(b *testing.B) {
	var keys [1000]keyEntry
	for i := range keys {
		copy(keys[i].id[:], strings.Repeat(strconv.Itoa(1000+i), 6))
	}
	now, from := time.Now(), netip.MustParseAddr("192.0.2.7")
	secret := &secretEntry{id: 1}
	b.Run("one", func(b *testing.B) {
		var u usage
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			u.count(&keys[i%len(keys)], secret, Issued, now, from)
			i++
		}
	})
	b.Run("parallel", func(b *testing.B) {
		var u usage
		b.ReportAllocs()
		b.RunParallel(func(p *testing.PB) {
			for i := 0; p.Next(); i++ {
				u.count(&keys[i%len(keys)], secret, Issued, now, from)
			}
		})
	})
	b.Run("refused", func(b *testing.B) {
		var u usage
		b.ReportAllocs()
		for b.Loop() {
			u.count(nil, &secretEntry{}, Outcome(UnknownID), now, from)
		}
	})
}
