package gateways

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/harness"
)

// asking are the gateways that ask Tokenwright, by name. check is where it is.
var asking = map[string]func(t *testing.T, in *harness.Installation, check string) *gateway{"nginx": startNginx, "caddy": startCaddy}

func startNginx(t *testing.T, in *harness.Installation, check string) *gateway {
	t.Helper()
	nginx := harness.FindProgram(t, "nginx")
	g := &gateway{port: harness.FreePort(t), api: startAPI(t)}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "gateway.conf"), harness.ReadExample(t, "gateways/nginx.conf",
		harness.Replacement{Old: "listen 8000;", New: fmt.Sprintf("listen 127.0.0.1:%d;", g.port), Times: 1},
		harness.Replacement{Old: "127.0.0.1:8080;", New: check + ";", Times: 1},
		harness.Replacement{Old: "127.0.0.1:3000;", New: g.api.address() + ";", Times: 1}))
	// What the nginx.conf of Debian has, the directories of the test, and one process:
	// nothing would end the workers of a master that is killed.
	user := ""
	if os.Getuid() == 0 {
		user = "user root;\n"
	}
	write(t, filepath.Join(dir, "nginx.conf"), user+`daemon off;
master_process off;
pid `+dir+`/nginx.pid;
worker_processes 1;
error_log stderr;
events { worker_connections 256; }
http {
	include /etc/nginx/mime.types;
	default_type application/octet-stream;
	access_log /dev/stdout;
	client_body_temp_path `+dir+`; proxy_temp_path `+dir+`; fastcgi_temp_path `+dir+`; uwsgi_temp_path `+dir+`; scgi_temp_path `+dir+`;
	include `+dir+`/gateway.conf;
}
`)
	g.run(t, in, "nginx", exec.Command(nginx, "-c", filepath.Join(dir, "nginx.conf"), "-p", dir))
	return g
}

func startCaddy(t *testing.T, in *harness.Installation, check string) *gateway {
	t.Helper()
	caddy := harness.FindProgram(t, "caddy")
	g := &gateway{port: harness.FreePort(t), api: startAPI(t)}
	file := filepath.Join(t.TempDir(), "Caddyfile")
	// Where Caddy is configured while it runs, an address like any other: the port that
	// it would take may be taken.
	admin := fmt.Sprintf("{\n\tadmin 127.0.0.1:%d\n}\n", harness.FreePort(t))
	write(t, file, admin+harness.ReadExample(t, "gateways/Caddyfile",
		harness.Replacement{Old: "\n:8000 {", New: fmt.Sprintf("\n:%d {", g.port), Times: 1},
		harness.Replacement{Old: "forward_auth 127.0.0.1:8080 {", New: "forward_auth " + check + " {", Times: 1},
		harness.Replacement{Old: "127.0.0.1:3000", New: g.api.address(), Times: 1}))
	c := exec.Command(caddy, "run", "--config", file, "--adapter", "caddyfile")
	home := t.TempDir()
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "XDG_DATA_HOME=" + home, "XDG_CONFIG_HOME=" + home}
	g.run(t, in, "caddy", c)
	return g
}

// startHAProxy has the keys of an issuer in a directory, and asks nobody.
func startHAProxy(t *testing.T, in *harness.Installation, issuer, keys string) *gateway {
	t.Helper()
	haproxy := harness.FindProgram(t, "haproxy")
	g := &gateway{port: harness.FreePort(t), api: startAPI(t)}
	file := filepath.Join(t.TempDir(), "haproxy.cfg")
	write(t, file, harness.ReadExample(t, "gateways/haproxy.cfg", append(harness.HAProxyUser(),
		harness.Replacement{Old: "bind :8000\n", New: fmt.Sprintf("bind 127.0.0.1:%d\n", g.port), Times: 1},
		harness.Replacement{Old: "/etc/haproxy/tokenwright", New: keys, Times: 3},
		harness.Replacement{Old: "https://auth.example.com/demo", New: issuer, Times: 8},
		harness.Replacement{Old: "server api1 127.0.0.1:3000", New: "server api1 " + g.api.address(), Times: 1})...))
	g.run(t, in, "haproxy", exec.Command(haproxy, "-db", "-f", file))
	return g
}

// run starts the gateway and waits until it listens.
func (g *gateway) run(t *testing.T, in *harness.Installation, name string, c *exec.Cmd) {
	t.Helper()
	g.Program = in.Background(t, name, c)
	harness.Eventually(t, harness.Soon, name+" listens", func() bool {
		if !g.Running() {
			t.Fatalf("%s has ended", name)
		}
		conn, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", g.port), time.Second)
		if err != nil {
			return false
		}
		return conn.Close() == nil
	})
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// startCheck runs tokenwright forward-auth, which follows the issuer, and returns
// its address.
func startCheck(t *testing.T, in *harness.Installation, issuer string, args ...string) (*harness.Program, string) {
	t.Helper()
	address := fmt.Sprintf("127.0.0.1:%d", harness.FreePort(t))
	c := in.Command(context.Background(), append([]string{
		"forward-auth", "--issuer", issuer, "--listen", address, "--metrics-listen", "off", "--log-format", "json",
	}, args...)...)
	p := in.Background(t, "forward-auth", c)
	harness.Eventually(t, harness.Soon, "forward-auth is ready", func() bool {
		resp, err := http.Get("http://" + address + "/readyz")
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	return p, address
}

// site is a server with the keys of the tests.
type site struct {
	*harness.Server
	reader, writer, other, live harness.APIKey
	operator                    string // an access token
}

// startSite starts it with the policies of the example, and more configuration.
func startSite(t *testing.T, more ...string) *site {
	t.Helper()
	in := harness.New(t)
	in.Configure(t, harness.ReadExample(t, "gateways/tokenwright.yaml")+strings.Join(more, ""))
	s := &site{Server: in.Start(t)}
	s.Seed(t)
	s.CLI(t, "merchant", "create", "--id", "4260", "--name", "Beta")
	s.reader = harness.ReadKey(t, s.CLI(t, "key", "create", "--merchant", "4259", "--env", "demo", "--name", "Reader", "--scope", "customers:read", "-o", "json"))
	s.writer, s.other, s.live = s.CreateKey(t, "demo"), s.CreateKeyOf(t, "4260", "demo"), s.CreateKey(t, "production")
	operator := s.CreateOperatorKey(t, "merchants:read")
	s.AwaitKeys(t, operator)
	s.operator = s.Token(t, operator)
	return s
}

func (s *site) address() string { return strings.TrimPrefix(s.URL, "http://") }
