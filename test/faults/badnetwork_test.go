package faults

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/tokenwright/tokenwright/internal/postgrestest"
	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
)

// badNetwork is one way in which the network between a node and its database is bad.
type badNetwork struct {
	what   string
	toxics []string      // as toxiproxy reads them; each has a name of its own
	again  time.Duration // after which each connection takes its chance again; 0: never
}

// badNetworks are those of the rule. Connections are reset with a chance of 1 in 100
// every 100 ms, for those of a pool live long, and of some ten that are opened once
// hardly one would be. To hand on single bytes takes much of a processor.
func badNetworks() []badNetwork {
	piece := evidence.Choose(8, 1)
	return []badNetwork{
		{what: "answers are 200 ms late, give or take 50 ms", toxics: []string{
			`{"name": "late", "type": "latency", "stream": "downstream", "attributes": {"latency": 200, "jitter": 50}}`}},
		{what: "1 in 100 connections is reset every 100 ms", again: 100 * time.Millisecond, toxics: []string{fmt.Sprintf(
			`{"name": "reset", "type": "reset_peer", "stream": "downstream", "toxicity": %g, "attributes": {"timeout": 0}}`, evidence.Choose(0.1, 0.01))}},
		{what: "64 kbit/s each way", toxics: []string{
			`{"name": "narrow", "type": "bandwidth", "stream": "downstream", "attributes": {"rate": 8}}`,
			`{"name": "narrow up", "type": "bandwidth", "stream": "upstream", "attributes": {"rate": 8}}`}},
		{what: fmt.Sprintf("answers come at 1,000 bytes a second, %d at a time", piece), toxics: []string{fmt.Sprintf(
			`{"name": "bytes", "type": "slicer", "stream": "downstream", "attributes": {"average_size": %d, "delay": %d}}`, piece, 1000*piece)}},
	}
}

// startToxiproxy puts a proxy in front of the database until the test ends.
func startToxiproxy(t *testing.T, p *postgrestest.Server) *toxiproxy.Proxy {
	t.Helper()
	zerolog.SetGlobalLevel(zerolog.Disabled) // some toxics have no other logger
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
	proxy := toxiproxy.NewProxy(server, "postgres", "127.0.0.1:0", net.JoinHostPort(p.Host, strconv.Itoa(p.Port)))
	if err := proxy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Stop)
	return proxy
}

// begin makes the network bad until the function that it returns is called.
func (b badNetwork) begin(t *testing.T, proxy *toxiproxy.Proxy) (end func()) {
	t.Helper()
	for _, toxic := range b.toxics {
		if _, err := proxy.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
			t.Fatal(err)
		}
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for b.again > 0 {
			select {
			case <-stop:
				return
			case <-time.After(b.again):
			}
			err := proxy.Toxics.RemoveToxic(context.Background(), "reset") // its update races with itself
			if err == nil {
				_, err = proxy.Toxics.AddToxicJson(strings.NewReader(b.toxics[0]))
			}
			if err != nil {
				t.Error(err)
			}
		}
	}()
	return func() {
		close(stop)
		<-stopped
		proxy.Toxics.ResetToxics(t.Context())
	}
}

// the network between one node and its database is bad. Its tokens are as
// quick as ever, for they need no database. Who changes something is answered
// within the limit, and no more requests wait than come in that time. What it
// acknowledges is kept, it still hears of changes, and is itself again soon after.
// Who asks the other node does not notice.
func TestABadNetworkToTheDatabaseIsOneNodesMatter(t *testing.T) {
	evidence.Short(t)
	harness.Need(t, "haproxy") // before there is anything to run
	postgres := postgrestest.Start(t)
	proxy := startToxiproxy(t, postgres)
	c := harness.NewCluster(t, harness.ClusterOptions{Postgres: postgres, Way: proxy.Listen})
	key := c.SeedKey(t)
	other := evidence.Row{Rule: "R-23", What: "a bad network between the other node and the database"}
	others := evidence.StartLoad(t, c.Nodes[1].Installation, key, evidence.Choose(50, 100))
	changes := startRevoker(t, c.Nodes[1].Installation, c.NewKey(t), aMoment)
	for _, b := range badNetworks() {
		b.happen(t, c, proxy, key)
		other.Times++
	}
	others.Into(t, &other, nil)
	changes.into(t, &other, c.Nodes...)
	other.Failed += len(changes.failed)
	for _, f := range changes.failed {
		t.Errorf("a change at the other node was refused at %s", f)
	}
	other.AtMost(t, "p99 of tokens", milliseconds(evidence.Quantiles(others.Waits, 0.99)[0]), "ms", tokensWithin)
	other.AtMost(t, "slowest change", milliseconds(changes.slowest), "ms", 3000)
	other.Note = fmt.Sprintf("asked at the other node; %d changes there, all made", len(changes.revoked))
	other.Report(t)
}

const (
	changesEach  = 20 // a second, at the node with the bad network
	tokensWithin = 50 // milliseconds, for 99 of 100
)

func milliseconds(d time.Duration) float64 { return float64(d.Milliseconds()) }

// happen makes the network of the first node bad for a while, and judges what its
// clients meet.
func (b badNetwork) happen(t *testing.T, c *harness.Cluster, proxy *toxiproxy.Proxy, key harness.APIKey) {
	t.Helper()
	node := c.Nodes[0]
	o := evidence.Row{Rule: "R-23", What: "a bad network to the database: " + b.what, Times: 1}
	changing := c.NewKey(t)
	var doomed []harness.APIKey
	for range evidence.Choose(1, 10) {
		doomed = append(doomed, c.NewKey(t))
	}
	goroutines := node.Metric(t, "go_goroutines")
	end := b.begin(t, proxy)
	began := time.Now()
	tokens := evidence.StartLoad(t, node.Installation, key, evidence.Choose(50, 100))
	crowd := startCrowd(t, node.Installation, changing, changesEach)
	heard, atWork, most := time.Duration(0), 0.0, goroutines
	for n, gone := range doomed { // one after the other, until the end
		c.CLI(t, "key", "delete", gone.ClientID, "--yes")
		deleted, next := time.Now(), began.Add(time.Duration(n+1)*evidence.Choose(time.Second, 6*time.Second))
		for known := false; !known || time.Now().Before(next); {
			if !known && node.Refuses(t, gone) {
				known, heard = true, max(heard, time.Since(deleted))
			}
			if !known && time.Since(deleted) > time.Minute {
				t.Fatalf("%s: the node does not hear of changes", o.What)
			}
			atWork = max(atWork, node.Metric(t, "tokenwright_http_requests_in_flight"))
			most = max(most, node.Metric(t, "go_goroutines"))
			<-time.After(50 * time.Millisecond)
		}
	}
	end()
	ended := time.Now()
	harness.Eventually(t, time.Minute, "changes do not wait any more", func() bool {
		return node.Metric(t, "tokenwright_http_requests_in_flight") <= changesEach/10 // as many as come in 0.1 s
	})
	drained := time.Now()
	recovered := latest(drained, latest(crowd.recovered(t, ended), tokens.Recovered(t, ended)))
	o.Recovers(t, recovered.Sub(ended), 5*time.Second)
	evidence.Within(t, o.What+": hearing of a change", heard, harness.Propagation)
	tokens.Into(t, &o, nil)
	crowd.into(t, &o, c.Nodes...)
	o.AtMost(t, "p99 of tokens", milliseconds(evidence.Quantiles(tokens.Waits, 0.99)[0]), "ms", tokensWithin)
	o.AtMost(t, "longest until a change is heard of", milliseconds(heard), "ms", milliseconds(harness.Propagation))
	// Those who came within the limit of a change, and tokens at work beside them.
	bound := changesEach*evidence.Patience.Seconds() + 20
	for _, f := range []struct {
		name         string
		value, bound float64
	}{{"requests at work", atWork, bound}, {"goroutines more", most - goroutines, 3 * bound}} {
		o.AtMost(t, f.name, f.value, "", f.bound)
	}
	o.Note = fmt.Sprintf("%d changes made, %d answered 503", len(crowd.revoked), len(crowd.failed))
	o.Report(t)
}
