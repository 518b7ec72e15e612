package tokenwright

import (
	"context"
	"net/http"
	"testing"
)

// BenchmarkToken measures a token that is fresh (P4: 30 ns, nothing allocated).
func BenchmarkToken(b *testing.B) {
	source := benchmarkSource(b)
	ctx := context.Background()
	b.Run("one", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := source.Token(ctx); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := source.Token(ctx); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
}

func benchmarkSource(tb testing.TB) TokenSource {
	tb.Helper()
	source, err := testConfig(&server{}).TokenSource(tb.Context())
	if err == nil {
		_, err = source.Token(tb.Context())
	}
	if err != nil {
		tb.Fatal(err)
	}
	return source
}

// P4: the half of it that no machine's speed changes.
func TestAFreshTokenAllocatesNothing(t *testing.T) {
	source := benchmarkSource(t)
	ctx := context.Background()
	if n := testing.AllocsPerRun(1000, func() { _, _ = source.Token(ctx) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkTransport measures what Transport adds to a request.
func BenchmarkTransport(b *testing.B) {
	resp := &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}
	transport := &Transport{Source: benchmarkSource(b), Base: roundTrip(func(*http.Request) (*http.Response, error) { return resp, nil })}
	r, err := http.NewRequest(http.MethodGet, "https://api.example.com/", nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := transport.RoundTrip(r); err != nil {
			b.Fatal(err)
		}
	}
}
