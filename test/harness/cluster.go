package harness

import (
	"cmp"
	"net"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/postgrestest"
)

// ClusterOptions say how a cluster differs from the usual one.
type ClusterOptions struct {
	Postgres *postgrestest.Server // nil: one of its own, which waits for the disk
	Standby  *postgrestest.Server // a second host in the URL of the database; nil: none
	Nodes    int                  // 0: two; HAProxy is configured for two
	Binary   string               // of nodes and commands; "": that of all tests
	Args     []string             // further arguments of each node's serve
	Config   string               // configuration file of every process, as YAML
	Network  *Network             // of the first node; nil: all are on this machine
	Way      string               // host:port by which the first node reaches the database; "": straight
}

// Cluster is an installation whose nodes have one PostgreSQL, and HAProxy in
// front. The address of the installation is HAProxy's; each node can be asked
// at its own as well.
type Cluster struct {
	*Installation
	Postgres *postgrestest.Server
	Nodes    []*Server
	Proxy    *Program
	Network  *Network // of the first node; nil where all are on this machine

	args []string
}

// NewCluster runs PostgreSQL, two nodes and HAProxy, and returns once a request
// to HAProxy is answered by a node. All end with the test.
//
// A change on one node, or by a command, acts on all others within a second.
func NewCluster(t testing.TB, o ClusterOptions) *Cluster {
	t.Helper()
	c := &Cluster{Postgres: o.Postgres, Network: o.Network}
	if c.Postgres == nil {
		Need(t, "haproxy") // before there is anything to run
		c.Postgres = postgrestest.Start(t, "listen_addresses=*")
	}
	c.Installation = NewOnPostgres(t, c.Postgres)
	c.Binary = cmp.Or(o.Binary, c.Binary)
	if o.Standby != nil {
		c.addHost(o.Standby)
	}
	c.Public = c.URL
	if o.Network != nil {
		c.Public = "https://auth.example.com" // nodes want TLS to end in front where they are reached over a network
		o.Network.welcome(t, c.Postgres)
	}
	if o.Config != "" {
		c.Configure(t, o.Config)
	}
	c.args = append([]string{"--shutdown-delay", "2s", "--trusted-proxies", "127.0.0.1/32,10.203.0.0/16"}, o.Args...)
	var backends []string
	for n := range cmp.Or(o.Nodes, 2) {
		node := c.Node(t)
		if n == 0 && o.Network != nil {
			node = c.NodeWithin(t, o.Network)
		}
		if n == 0 && o.Way != "" {
			node.goBy(o.Way)
		}
		c.Nodes = append(c.Nodes, node.Start(t, c.args...))
		backends = append(backends, net.JoinHostPort(node.Host, strconv.Itoa(node.Port)))
	}
	c.Proxy = startProxy(t, c.Installation, backends)
	t.Cleanup(func() { c.stop(t) })
	return c
}

// stop ends the nodes that run, all at the same time, as operators do.
func (c *Cluster) stop(t testing.TB) {
	if t.Failed() {
		return // what is left is killed
	}
	for _, node := range c.Nodes {
		if node.Running() {
			node.Observe(t)
			node.Signal(t, syscall.SIGTERM)
			defer node.endsWell(t)
		}
	}
}

// StartNode runs a node again that has ended, at its old address.
func (c *Cluster) StartNode(t testing.TB, n int) {
	t.Helper()
	c.Nodes[n] = c.Nodes[n].Installation.Start(t, c.args...)
}

// SeedKey makes the merchant of the guide, who may have as many API keys as a
// test wants, and one API key, which works on every node when it returns.
func (c *Cluster) SeedKey(t testing.TB) APIKey {
	t.Helper()
	c.Seed(t)
	c.CLI(t, "merchant", "update", "4259", "--key-limit", "1000")
	return c.NewKey(t)
}

// NewKey makes an API key of merchant 4259 that works on every node when it
// returns.
func (c *Cluster) NewKey(t testing.TB) APIKey {
	t.Helper()
	key := c.CreateKey(t, "demo")
	for _, node := range c.Nodes {
		Eventually(t, Propagation, "the new API key works on every node", func() bool { return node.Works(t, key) })
	}
	return key
}

// Propagation is how late a change may act on another node.
const Propagation = 5 * time.Second
