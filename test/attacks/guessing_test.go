package attacks

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
)

const (
	guessers  = 16 // connections
	addresses = 100_000
	grown     = 64 << 20 // bytes that a server may grow by while it is guessed at
)

// R-42, C-041: thousands of wrong secrets a second, each for another client ID
// and from another address, cost a server neither memory nor metrics, and its
// clients little. One in twenty is for an API key that exists: its owner gets
// his tokens all the same.
func TestGuessesAtManyClientIDsCostLittle(t *testing.T) {
	evidence.Short(t)
	rate, long := evidence.Choose(1000, 5000), evidence.Lasting(2*time.Second, 10*time.Minute)
	x := newTarget(t, "R-42", fmt.Sprintf("%d wrong secrets a second, for a million client IDs and from %d addresses", rate, addresses), harness.New(t),
		"--trusted-proxies", "127.0.0.1", "--failure-limit", "30")
	other := x.CreateKey(t, "demo")
	g := guess{s: x.Server, id: x.key.ClientID, secret: other.ClientSecret}
	g.run(t, 1, guessers) // so that what is counted is there
	memory, series := x.Usage(t).Resident, seriesOf(t, x.Server)
	began := time.Now()
	meanwhile := x.attacked(t, long, func(context.Context) { g.run(t, int(float64(rate)*long.Seconds()), rate) })
	took := time.Since(began)

	x.slower(t, meanwhile)
	atMost(t, &x.row, "memory grew by", mib(x.Usage(t).Resident-memory), "MiB", mib(grown))
	atMost(t, &x.row, "series of metrics", float64(seriesOf(t, x.Server)), "", float64(series+50))
	x.row.Failed += int(g.odd.Load())
	if g.limited.Load() == 0 || g.refused.Load() == 0 || g.odd.Load() > 0 {
		t.Errorf("%d guesses are answered 401, %d 429, and %d otherwise", g.refused.Load(), g.limited.Load(), g.odd.Load())
	}
	x.row.Tell("guesses", float64(g.refused.Load()+g.limited.Load())/took.Seconds(), "/s")
	x.row.Note = fmt.Sprintf("%d answered 401 and %d 429", g.refused.Load(), g.limited.Load())
	x.report(t)
}

// guess is who sends wrong secrets.
type guess struct {
	s          *harness.Server
	id, secret string // of different API keys

	sent, refused, limited, odd atomic.Int64
}

// run sends so many guesses at that rate, and waits for the answers.
func (g *guess) run(t *testing.T, total, rate int) {
	began := time.Now()
	var done sync.WaitGroup
	for range guessers {
		done.Go(func() {
			if err := g.connection(began, int64(total), float64(rate)); err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
}

func (g *guess) connection(began time.Time, total int64, rate float64) error {
	conn, err := net.Dial("tcp", strings.TrimPrefix(g.s.URL, "http://"))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	answers := bufio.NewReader(conn)
	var request bytes.Buffer
	for {
		n := g.sent.Add(1)
		if n > total {
			return nil
		}
		<-time.After(time.Until(began.Add(time.Duration(float64(n) / rate * float64(time.Second)))))
		g.write(&request, n)
		if _, err := request.WriteTo(conn); err != nil {
			return err
		}
		resp, err := http.ReadResponse(answers, nil)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			return err
		}
		switch resp.StatusCode {
		case http.StatusUnauthorized:
			g.refused.Add(1)
		case http.StatusTooManyRequests:
			g.limited.Add(1)
		default:
			g.odd.Add(1)
		}
	}
}

// write writes guess number n.
func (g *guess) write(to *bytes.Buffer, n int64) {
	id := fmt.Sprintf("twc_demo_%022d", n)
	if n%20 == 0 {
		id = g.id
	}
	body := "grant_type=client_credentials&client_id=" + id + "&client_secret=" + g.secret
	from := n % addresses
	fmt.Fprintf(to, "POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"+
		"X-Forwarded-For: 10.%d.%d.%d\r\nContent-Length: %d\r\n\r\n%s", from>>16, from>>8&255, from&255, len(body), body)
}

func seriesOf(t *testing.T, s *harness.Server) (n int) {
	t.Helper()
	for line := range strings.Lines(string(s.Get(t, s.MetricsURL).Body)) {
		if !strings.HasPrefix(line, "#") {
			n++
		}
	}
	return n
}
