package faults

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
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
	// grown is what the memory of a server may grow by while it is guessed at.
	grown = 64 << 20
)

// R-42, C-041: thousands of wrong secrets a second, each for another client ID
// and from another address, cost a server neither memory nor metrics, and its
// clients little. One in twenty is for an API key that exists: its owner gets
// his tokens all the same.
func TestGuessesAtManyClientIDsCostLittle(t *testing.T) {
	evidence.Short(t)
	s, key := harness.StartWithKey(t, "demo", "--trusted-proxies", "127.0.0.1", "--failure-limit", "30")
	other := s.CreateKey(t, "demo")
	rate := evidence.Choose(1000, 5000)
	o := evidence.Row{Rule: "R-42", What: fmt.Sprintf("%d wrong secrets a second, for a million client IDs and from %d addresses", rate, addresses), Times: 1}
	usual := evidence.Quantile(goodTokens(t, &o, s, key, evidence.Choose(time.Second, 60*time.Second)), 0.99)

	g := guess{s: s, id: key.ClientID, secret: other.ClientSecret}
	g.run(t, 1, guessers) // so that what is counted is there
	memory, series := resident(t, s), seriesOf(t, s)
	began := time.Now()
	var done sync.WaitGroup
	done.Go(func() { g.run(t, rate*int(evidence.Choose(2, 200)), rate) })
	meanwhile := goodTokens(t, &o, s, key, evidence.Choose(2*time.Second, 200*time.Second))
	done.Wait()

	more := resident(t, s) - memory
	if more > grown {
		t.Errorf("the server has grown by %d bytes", more)
	}
	if n := seriesOf(t, s); n > series+50 {
		t.Errorf("there are %d series of metrics, before there were %d", n, series)
	}
	p99 := evidence.Quantile(meanwhile, 0.99)
	if evidence.Full() && p99 > 2*usual {
		t.Errorf("tokens take %s meanwhile, and %s otherwise (p99)", p99, usual)
	}
	o.Failed += int(g.odd.Load())
	if g.limited.Load() == 0 || g.refused.Load() == 0 || g.odd.Load() > 0 {
		t.Errorf("%d guesses are answered 401, %d 429, and %d otherwise", g.refused.Load(), g.limited.Load(), g.odd.Load())
	}
	o.Note = fmt.Sprintf("%.0f guesses a second, %d answered 401 and %d 429; p99 of tokens %s, otherwise %s; memory grew by %.1f MiB; %d series of metrics, before %d",
		float64(g.refused.Load()+g.limited.Load())/time.Since(began).Seconds(), g.refused.Load(), g.limited.Load(),
		p99.Round(10*time.Microsecond), usual.Round(10*time.Microsecond), float64(more)/(1<<20), seriesOf(t, s), series)
	o.Report(t)
}

// goodTokens asks for tokens as clients do, and returns how long each took, in order.
func goodTokens(t *testing.T, o *evidence.Row, s *harness.Server, key harness.APIKey, long time.Duration) []time.Duration {
	t.Helper()
	l := evidence.StartLoad(t, s.Installation, key, evidence.Choose(50, 100))
	<-time.After(long)
	l.Into(t, o, nil)
	slices.Sort(l.Waits)
	return l.Waits
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

// resident is the memory of the server, in bytes.
func resident(t *testing.T, s *harness.Server) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.Process.Process.Pid))
	found := regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindSubmatch(status)
	if err != nil || found == nil {
		t.Skip("there is no /proc here that tells the memory of a process")
	}
	kib, err := strconv.Atoi(string(found[1]))
	if err != nil {
		t.Fatal(err)
	}
	return kib << 10
}
