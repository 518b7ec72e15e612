package harness

import (
	"crypto/tls"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/postgrestest"
)

// Network is that of a node on a machine of its own: a network namespace with
// one link to the proxy and another one to the database, which can be cut.
//
//	proxy, tests 10.203.n.1 ── 10.203.n.2 node 10.203.n.6 ── 10.203.n.5 PostgreSQL
type Network struct {
	name string // of the namespace; begins the names of both links on this side
	n    int
}

func (n *Network) node() string     { return fmt.Sprintf("10.203.%d.2", n.n) }
func (n *Network) database() string { return fmt.Sprintf("10.203.%d.5", n.n) }

// NewNetwork makes a network until the test ends, or skips the test where this
// user or machine may not.
func NewNetwork(t testing.TB) *Network {
	t.Helper()
	NeedRoot(t, "make a network namespace")
	Need(t, "ip", "nft")
	n := &Network{n: 1 + rand.IntN(250)}
	n.name = fmt.Sprintf("tw%d-%d", os.Getpid(), n.n)
	if out, err := execute(t, "ip", "netns", "add", n.name); err != nil {
		if strings.Contains(out, "not permitted") {
			t.Skipf("this machine lets not even root make a network namespace: %s", out)
		}
		t.Fatalf("ip netns add: %v: %s", err, out)
	}
	t.Cleanup(func() {
		n.run(t, "ip", "netns", "delete", n.name)
		_, _ = execute(t, "nft", "delete", "table", "inet", n.name) // only if it was cut
	})
	n.link(t, "p", 1)
	n.link(t, "d", 5)
	n.inside(t, "ip", "link", "set", "lo", "up")
	return n
}

// link joins this side and the namespace by a cable, which goes with it.
func (n *Network) link(t testing.TB, end string, first int) {
	t.Helper()
	here, there := n.name+end, end+"0"
	n.run(t, "ip", "link", "add", here, "type", "veth", "peer", "name", there, "netns", n.name)
	n.run(t, "ip", "address", "add", fmt.Sprintf("10.203.%d.%d/30", n.n, first), "dev", here)
	n.inside(t, "ip", "address", "add", fmt.Sprintf("10.203.%d.%d/30", n.n, first+1), "dev", there)
	n.run(t, "ip", "link", "set", here, "up")
	n.inside(t, "ip", "link", "set", there, "up")
}

func (n *Network) run(t testing.TB, line ...string) {
	t.Helper()
	if out, err := execute(t, line...); err != nil {
		t.Errorf("%s: %v\n%s", strings.Join(line, " "), err, out)
	}
}

// execute runs a program that belongs to the system.
func execute(t testing.TB, line ...string) (string, error) {
	t.Helper()
	out, err := exec.Command(program(t, line[0]), line[1:]...).CombinedOutput()
	return string(out), err
}

func (n *Network) inside(t testing.TB, line ...string) {
	t.Helper()
	n.run(t, append([]string{"ip", "netns", "exec", n.name}, line...)...)
}

// Cuts are the ways in which Cut can part node and database.
var Cuts = []string{"link down", "dropped both ways", "dropped towards the database", "dropped towards the node", "reset"}

// Cut parts node and database in one of the ways of Cuts; the function that it
// returns joins them again.
func (n *Network) Cut(t testing.TB, how string) (heal func()) {
	t.Helper()
	// What comes in is filtered, at either end: whoever has sent it hears nothing.
	filter := func(name, verdict string) string {
		return fmt.Sprintf("table inet %s { chain cut { type filter hook input priority 0; iifname %q %s; }; }", n.name, name, verdict)
	}
	here, there := n.name+"d", "d0"
	healHere := func() { n.run(t, "nft", "delete", "table", "inet", n.name) }
	healThere := func() { n.inside(t, "nft", "delete", "table", "inet", n.name) }
	switch how {
	case "link down":
		n.run(t, "ip", "link", "set", here, "down")
		return func() { n.run(t, "ip", "link", "set", here, "up") }
	case "dropped both ways":
		n.run(t, "nft", filter(here, "drop"))
		n.inside(t, "nft", filter(there, "drop"))
		return func() { healHere(); healThere() }
	case "dropped towards the database":
		n.run(t, "nft", filter(here, "drop"))
		return healHere
	case "dropped towards the node":
		n.inside(t, "nft", filter(there, "drop"))
		return healThere
	case "reset":
		n.run(t, "nft", filter(here, "meta l4proto tcp reject with tcp reset"))
		return healHere
	}
	t.Fatalf("there is no cut %q", how)
	return nil
}

// welcome lets the database be reached from the network.
func (n *Network) welcome(t testing.TB, p *postgrestest.Server) {
	t.Helper()
	rules, err := os.OpenFile(filepath.Join(p.Dir, "data", "pg_hba.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rules.Close() }()
	if _, err := fmt.Fprintf(rules, "host all all %s/30 scram-sha-256\n", n.database()); err != nil {
		t.Fatal(err)
	}
	p.Exec(t, "postgres", "SELECT pg_reload_conf()")
}

// NodeWithin is a node of the installation whose processes run in the network.
func (in *Installation) NodeWithin(t testing.TB, n *Network) *Installation {
	t.Helper()
	node := in.Node(t)
	node.within = []string{program(t, "ip"), "netns", "exec", n.name}
	for i, variable := range node.Environ {
		node.Environ[i] = strings.Replace(variable, "@127.0.0.1:", "@"+n.database()+":", 1)
	}
	node.Host = n.node()
	node.URL = fmt.Sprintf("http://%s:%d", node.Host, node.Port)
	node.Client = node.NewClient(&http.Transport{})
	return node
}

// TLS is how clients speak it with the installation.
func (in *Installation) TLS() *tls.Config { return &tls.Config{RootCAs: in.roots} }

// NewClient returns a client that reaches the installation, wherever it is.
func (in *Installation) NewClient(transport *http.Transport) *http.Client {
	if transport.TLSClientConfig == nil {
		transport.TLSClientConfig = in.TLS()
	}
	if in.within != nil {
		return &http.Client{Transport: transport, Timeout: 30 * time.Second}
	}
	return NewClient(transport)
}
