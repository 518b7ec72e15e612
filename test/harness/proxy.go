package harness

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// startProxy runs HAProxy with the example of the repository, at the address of
// the installation, in front of two nodes.
func startProxy(t testing.TB, in *Installation, nodes []string) *Program {
	t.Helper()
	haproxy := program(t, "haproxy")
	config := filepath.Join(filepath.Dir(in.Data), "haproxy.cfg")
	if err := os.WriteFile(config, []byte(proxyConfig(t, in.Port, nodes)), 0o600); err != nil {
		t.Fatal(err)
	}
	p := in.Background(t, "haproxy", exec.Command(haproxy, "-db", "-f", config))
	for deadline := time.Now().Add(10 * time.Second); !in.Ready(); time.Sleep(5 * time.Millisecond) {
		if !p.Running() {
			t.Fatal("HAProxy has ended")
		}
		if time.Now().After(deadline) {
			t.Fatal("HAProxy has no node to ask after 10 s")
		}
	}
	return p
}

// proxyConfig is the example with the addresses of the test in the place of its own.
func proxyConfig(t testing.TB, port int, nodes []string) string {
	t.Helper()
	replacements := []Replacement{{"bind :8080\n", fmt.Sprintf("bind 127.0.0.1:%d\n", port), 1}}
	for n, node := range nodes {
		replacements = append(replacements, Replacement{
			fmt.Sprintf("server node%d 10.0.0.1%d:8080\n", n+1, n+1), fmt.Sprintf("server node%d %s\n", n+1, node), 1,
		})
	}
	return ReadExample(t, "haproxy/haproxy.cfg", append(replacements, HAProxyUser()...)...)
}

// HAProxyUser is what examples of HAProxy lose where the tests cannot become
// another user.
func HAProxyUser() []Replacement {
	if os.Getuid() == 0 {
		return nil
	}
	return []Replacement{{"    user haproxy\n", "", 1}, {"    group haproxy\n", "", 1}}
}
