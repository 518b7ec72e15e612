package harness

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Proxy is a running HAProxy.
type Proxy struct {
	Process *exec.Cmd
	Log     string // path of the file with what it says
	Ended   chan struct{}
}

// startProxy runs HAProxy with the example of the repository, at the address of
// the installation, in front of two nodes.
func startProxy(t testing.TB, in *Installation, nodes []string) *Proxy {
	t.Helper()
	haproxy := program(t, "haproxy")
	dir := filepath.Dir(in.Data)
	config := filepath.Join(dir, "haproxy.cfg")
	if err := os.WriteFile(config, []byte(proxyConfig(t, in.Port, nodes)), 0o600); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(dir, "haproxy.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }() // the process has its own
	p := &Proxy{Process: exec.Command(haproxy, "-db", "-f", config), Log: log.Name(), Ended: make(chan struct{})}
	p.Process.Stdout, p.Process.Stderr = log, log
	dieWithParent(p.Process)
	if err := p.Process.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.Ended)
		_ = p.Process.Wait() // how it ends does not matter
	}()
	t.Cleanup(func() {
		_ = p.Process.Process.Kill() // an error says that it has ended
		<-p.Ended
		if t.Failed() {
			t.Logf("the last of HAProxy's log:\n%s", p.lastLog())
		}
	})
	for deadline := time.Now().Add(10 * time.Second); !in.Ready(); time.Sleep(5 * time.Millisecond) {
		select {
		case <-p.Ended:
			t.Fatal("HAProxy has ended")
		default:
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
	text, err := os.ReadFile(filepath.Join(run.root, "examples", "haproxy", "haproxy.cfg"))
	if err != nil {
		t.Fatal(err)
	}
	config := string(text)
	replace := map[string]string{"bind :8080\n": fmt.Sprintf("bind 127.0.0.1:%d\n", port)}
	for n, node := range nodes {
		replace[fmt.Sprintf("server node%d 10.0.0.1%d:8080\n", n+1, n+1)] = fmt.Sprintf("server node%d %s\n", n+1, node)
	}
	if os.Getuid() != 0 { // who cannot become another user
		replace["    user haproxy\n"], replace["    group haproxy\n"] = "", ""
	}
	for old, with := range replace {
		if strings.Count(config, old) != 1 {
			t.Fatalf("the example has not one line %q", old)
		}
		config = strings.ReplaceAll(config, old, with)
	}
	return config
}

func (p *Proxy) lastLog() string {
	text, err := os.ReadFile(p.Log)
	if err != nil {
		return err.Error()
	}
	return lastLines(string(text))
}
