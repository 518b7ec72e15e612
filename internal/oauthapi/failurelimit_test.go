package oauthapi

import (
	"fmt"
	"net/netip"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// from is a token request from an address.
func (in *installation) from(address string, k apiKey, header ...string) *answer {
	in.Helper()
	return in.fromTo(address, "/oauth/token", asForm.encode(k.request()...), header...)
}

func (in *installation) fromTo(address, path, body string, header ...string) *answer {
	in.Helper()
	r := newRequest("POST", path, strings.NewReader(body), append(header, "Content-Type", asForm.contentType)...)
	r.RemoteAddr = netip.AddrPortFrom(netip.MustParseAddr(address), 1234).String()
	return in.do(r)
}

// unknownID is well-formed and nobody's.
func unknownID(n int) string { return fmt.Sprintf("twc_demo_%022d", n) }

// C-041: who guesses at one client ID from many addresses, or at many from one
// address, is answered 429; the owner gets a token from everywhere, also from
// the address of the attack.
func TestGuessingIsLimitedAndLocksNobodyOut(t *testing.T) {
	in := limited(t, Config{FailureLimit: 5})
	k, other := in.key("demo", "customers:read"), in.key("demo", "customers:read")
	wrong := apiKey{k.id, other.secret}
	for i := range 20 {
		a := in.from(fmt.Sprintf("192.0.2.%d", i), wrong)
		if i < 5 {
			a.refused(string(authority.WrongSecret))
			continue
		}
		a.refused(reasonFailuresOfID)
		a.wantQuota("", "", "")
		in.from(fmt.Sprintf("192.0.2.%d", i), k).issued("demo")
	}
	in.wantCount("tokenwright_ratelimit_total", map[string]string{"limit": "failures_by_id", "outcome": "passed"}, 5)
	in.wantCount("tokenwright_ratelimit_total", map[string]string{"limit": "failures_by_id", "outcome": "refused"}, 15)
	const attacker = "198.51.100.1"
	for i := range 60 {
		a := in.from(attacker, apiKey{unknownID(i), k.secret})
		if i < 50 {
			a.refused(string(authority.UnknownID))
		} else {
			a.refused(reasonFailuresHere)
		}
	}
	in.from(attacker, k).issued("demo")
	in.from(attacker, other).issued("demo")
	in.from("198.51.100.2", apiKey{unknownID(100), k.secret}).refused(string(authority.UnknownID))

	// The windows end with the clock: 1764000000 is a multiple of 300.
	in.advance(5*time.Minute - 124*time.Millisecond)
	a := in.from(attacker, wrong)
	a.refused(reasonFailuresOfID)
	a.wantHeader("Retry-After", "1")
	in.advance(time.Millisecond)
	in.from(attacker, wrong).refused(string(authority.WrongSecret))
	in.wantCount("tokenwright_ratelimit_total", map[string]string{"limit": "failures_by_id", "outcome": "refused"}, 16)
	in.wantCount("tokenwright_ratelimit_total", map[string]string{"limit": "failures_by_address", "outcome": "refused"}, 11)
}

// C-036, C-344: what is refused for too many failures tells as little as before.
func TestLimitedFailuresLookTheSame(t *testing.T) {
	in := limited(t, Config{FailureLimit: 1, TokenLimit: 1})
	in.merchant("1")
	alive, deleted, elsewhere := in.key("demo"), in.key("demo"), in.key("demo")
	suspended := in.create(authority.NewAPIKey{MerchantID: "1", Env: "demo"})
	_, err := in.SuspendMerchant(t.Context(), actor, "1", 0)
	in.must(err)
	in.must(in.DeleteAPIKey(t.Context(), actor, authority.ClientID(deleted.id), 0))
	_, err = in.UpdateAPIKey(t.Context(), actor, authority.ClientID(elsewhere.id),
		authority.APIKeyUpdate{AllowedCIDRs: &[]netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}})
	in.must(err)
	var want *answer
	for name, k := range map[string]apiKey{
		"unknown ID": {unknownID(1), alive.secret}, "wrong secret": {alive.id, suspended.secret},
		"deleted key": deleted, "suspended merchant": suspended, "address that is not allowed": elsewhere,
		"mistyped secret": {alive.id, alive.secret[:len(alive.secret)-1] + "-"},
	} {
		if first := in.from("192.0.2.1", k); first.status != 401 && first.status != 429 {
			t.Errorf("%s: got %d", name, first.status)
		}
		got := in.from("192.0.2.1", k)
		got.refused(reasonFailuresOfID)
		if want == nil {
			want = got
		}
		if got.body != want.body || !reflect.DeepEqual(got.header, want.header) {
			t.Errorf("%s: got %v %s, want %v %s", name, got.header, got.body, want.header, want.body)
		}
	}
	want.wantQuota("", "", "")
}

// C-345: who proves the right secret of an API key that is disabled or has
// expired hears so, however often; and other faults of a request are no failures.
func TestWhatIsNoFailureOfAuthenticationIsNotCounted(t *testing.T) {
	in := limited(t, Config{FailureLimit: 1})
	k, disabled := in.key("demo", "customers:read"), in.key("demo")
	_, err := in.DisableAPIKey(t.Context(), actor, authority.ClientID(disabled.id), 0)
	in.must(err)
	for range 25 {
		in.from("192.0.2.1", disabled).refused(string(authority.KeyDisabled))
		in.fromTo("192.0.2.1", "/oauth/token", asForm.encode(k.request("scope", "payments:read")...)).refused(string(authority.ScopeNotHeld))
		in.fromTo("192.0.2.1", "/oauth/token", "a=b&a=b").refused(reasonRepeated)
		in.from("192.0.2.1", k).issued("demo")
	}
	in.from("192.0.2.1", apiKey{disabled.id, k.secret}).refused(string(authority.WrongSecret))
}

// C-042: neither another way to send credentials nor another endpoint is counted
// apart, and of an address neither another spelling nor the next one in its
// network; and what X-Forwarded-For says is nothing.
func TestLimitsOfFailuresCannotBeWalkedAround(t *testing.T) {
	t.Run("client ID", func(t *testing.T) {
		in := limited(t, Config{FailureLimit: 5})
		k, other := in.key("demo"), in.key("demo")
		wrong := apiKey{k.id, other.secret}
		about := formBody("token", "x", "client_id", wrong.id, "client_secret", wrong.secret)
		ways := []func(address string) *answer{
			func(a string) *answer { return in.from(a, wrong) },
			func(a string) *answer {
				return in.fromTo(a, "/oauth/token", formBody(grant()...), basic(wrong.id, wrong.secret)...)
			},
			func(a string) *answer { return in.fromTo(a, "/demo/api/oauth/token", formBody(wrong.request()...)) },
			func(a string) *answer { return in.fromTo(a, "/production/oauth/token", formBody(wrong.request()...)) },
			func(a string) *answer { return in.fromTo(a, "/demo/oauth/introspect", about) },
			func(a string) *answer { return in.fromTo(a, "/demo/oauth/revoke", about) },
		}
		for i := range 4 * len(ways) {
			a := ways[i%len(ways)](fmt.Sprintf("192.0.2.%d", i))
			if limit := i >= 5; limit != (a.status == 429) || !limit && a.status != 401 {
				t.Errorf("request %d: got %d %s", i+1, a.status, a.body)
			}
		}
	})
	for name, addresses := range map[string][]string{
		"IPv4-mapped":   {"192.0.2.1", "::ffff:192.0.2.1"},
		"a network /64": {"2001:db8::1", "2001:db8::2", "2001:db8::a:b:c:d", "2001:db8::ffff:ffff:ffff:ffff"},
	} {
		t.Run(name, func(t *testing.T) {
			in := limited(t, Config{FailureLimit: 1})
			k := in.key("demo")
			for i := range 20 {
				a := in.from(addresses[i%len(addresses)], apiKey{unknownID(i), k.secret}, "X-Forwarded-For", fmt.Sprintf("203.0.113.%d", i))
				if limit := i >= 10; limit != (a.status == 429) {
					t.Errorf("request %d: got %d %s", i+1, a.status, a.body)
				}
			}
		})
	}
}

// R-42, C-231: a million client IDs from a hundred thousand addresses take the
// memory that was there before, and no metric grows.
func TestAMillionMadeUpIDsTakeNoMemory(t *testing.T) {
	in := limited(t, Config{FailureLimit: 30, TokenLimit: 600})
	k := in.key("demo", "customers:read")
	series := func() (n int) {
		families, err := in.registry.Gather()
		in.must(err)
		for _, f := range families {
			n += len(f.GetMetric())
		}
		return n
	}
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	in.from("192.0.2.1", apiKey{unknownID(0), k.secret})
	before, seriesBefore := heap(), series()
	for i := range 1_000_000 {
		address := netip.AddrFrom4([4]byte{10, byte(i >> 8 & 1), byte(i >> 8), byte(i)})
		in.api.failures.count(authority.ClientID(unknownID(i)), address, in.time())
	}
	for i := range 2000 { // the whole way
		in.from(fmt.Sprintf("198.51.100.%d", i%250), apiKey{unknownID(i), k.secret})
	}
	if grown := heap() - before; grown > 1<<20 {
		t.Errorf("the heap has grown by %d bytes", grown)
	}
	if n := series(); n != seriesBefore {
		t.Errorf("there are %d series, before there were %d", n, seriesBefore)
	}
	in.from("192.0.2.1", k).issued("demo")
	if FailureMemory > 64<<20 {
		t.Errorf("the counters have %d bytes", FailureMemory)
	}
}
