package dist

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/tokenwright/tokenwright/test/harness"
)

// containers is a store of images of this test, and what runs of them.
type containers struct{ flags, environ []string }

func newContainers(t *testing.T) *containers {
	t.Helper()
	harness.NeedRoot(t, "run a container here")
	harness.Need(t, "buildah", "podman", "unshare")
	dir := t.TempDir()
	// None of the limits that podman would raise: it may not everywhere.
	config := filepath.Join(dir, "containers.conf")
	if err := os.WriteFile(config, []byte("[containers]\ndefault_ulimits = []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := &containers{
		flags:   []string{"--root", filepath.Join(dir, "storage"), "--runroot", filepath.Join(dir, "run"), "--storage-driver", "vfs"},
		environ: append(os.Environ(), "CONTAINERS_CONF="+config),
	}
	return c
}

// command runs podman where it does not see both kinds of control groups, with which
// its runtime runs nothing.
func (c *containers) command(args ...string) *exec.Cmd {
	podman := append([]string{"--cgroup-manager=cgroupfs"}, c.flags...)
	run := exec.Command("unshare", append([]string{"--mount", "--propagation", "private", "sh", "-c",
		`umount /sys/fs/cgroup/unified 2>/dev/null; exec podman "$@"`, "podman"}, append(podman, args...)...)...)
	run.Env = c.environ
	return run
}

func (c *containers) podman(t *testing.T, args ...string) string {
	t.Helper()
	run := c.command(args...)
	var stderr bytes.Buffer
	run.Stderr = &stderr
	out, err := run.Output()
	if err != nil {
		t.Fatalf("podman %s: %v\n%s%s", strings.Join(args, " "), err, out, stderr.Bytes())
	}
	return string(out)
}

// C-527: the image of a release serves as a user without rights, with a file system
// that nothing can be written to but its data, and says whether it is well.
func TestContainerServes(t *testing.T) {
	c := newContainers(t)
	build := exec.Command("buildah", append(c.flags, "bud", "--isolation", "chroot", "--format", "docker", "--tag", "tokenwright",
		"--file", "deploy/docker/Dockerfile", ".")...)
	build.Dir, build.Env = made.tree, c.environ
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the image: %v\n%s", err, out)
	}
	var images []struct {
		Config struct {
			User    string
			Volumes map[string]any
		}
		Healthcheck struct{ Test []string }
	}
	if err := json.Unmarshal([]byte(c.podman(t, "inspect", "tokenwright")), &images); err != nil || len(images) != 1 {
		t.Fatal(err)
	}
	image := images[0]
	if image.Config.User != "65532:65532" || len(image.Config.Volumes) != 1 || len(image.Healthcheck.Test) < 3 || image.Healthcheck.Test[0] != "CMD" {
		t.Fatalf("the image: %+v", image)
	}

	// On the network of this machine, for there may be none to make here.
	port := harness.FreePort(t)
	name := "tokenwright-" + strings.ToLower(rand.Text()[:8])
	run := c.command("run", "--name", name, "--rm", "--read-only", "--read-only-tmpfs=false", "--cap-drop=all", "--security-opt=no-new-privileges", "--network=host",
		"--cgroups=disabled", "--ulimit=host", "--no-healthcheck", "--env", "TOKENWRIGHT_URL=https://tokens.example.com",
		"--env", fmt.Sprintf("TOKENWRIGHT_LISTEN=127.0.0.1:%d", port), "--env", "TOKENWRIGHT_METRICS_LISTEN=off", "tokenwright")
	var log bytes.Buffer
	run.Stdout, run.Stderr = &log, &log
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- run.Wait() }()
	t.Cleanup(func() {
		_ = c.command("rm", "--force", name).Run() // an error says that it has gone
		if err := <-ended; err != nil {
			t.Errorf("the container ended with %v", err)
		}
		if t.Failed() {
			t.Logf("the container says:\n%s", log.String())
		}
	})
	url := fmt.Sprintf("http://127.0.0.1:%d", port)
	harness.Eventually(t, 30*time.Second, "the container is ready", func() bool {
		resp, err := http.Get(url + "/readyz")
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	exec := func(args ...string) string { return c.podman(t, append([]string{"exec", name}, args...)...) }
	health := image.Healthcheck.Test[1:] // of the image, but for the port
	health = append(health[:len(health)-1:len(health)-1], strings.Replace(health[len(health)-1], "http://127.0.0.1:8080", url, 1))
	if said := exec(health...); !strings.Contains(said, `"ready"`) {
		t.Errorf("health: %s", said)
	}
	exec("tokenwright", "merchant", "create", "--id", "4259", "--name", "Acme")
	exec("tokenwright", "scope", "create", "customers:read", "--description", "Look up customers")
	key := exec("tokenwright", "key", "create", "--merchant", "4259", "--env", "demo", "--name", "Orders", "--scope", "customers:read", "-o", "json")
	var made struct{ ClientID, ClientSecret string }
	if err := json.Unmarshal([]byte(key), &made); err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(map[string]string{"client_id": made.ClientID, "client_secret": made.ClientSecret, "grant_type": "client_credentials"})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post(url+"/oauth/token", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("the first token: %s", resp.Status)
	}
	if events := exec("tokenwright", "event", "list", "-o", "json"); !strings.Contains(events, `"cli:tokenwright@`) {
		t.Errorf("events do not name the container's user:\n%s", events)
	}
	c.podman(t, "stop", "--time", "20", name) // and ends well, or the clean-up says so
}

// compose is what the test reads of compose.yaml.
type compose struct {
	Services map[string]struct {
		Environment map[string]string
		Secrets     []string
		ReadOnly    bool `yaml:"read_only"`
		Ports       []string
		Build       struct{ Context, Dockerfile string }
	}
	Secrets map[string]struct{ File string }
}

// C-527: the nodes of the example have the secrets that they are told of, and a
// configuration that is right. That it runs, its tools would have to show.
func TestComposeFileIsConsistent(t *testing.T) {
	dir := filepath.Join(made.tree, "deploy", "docker")
	var of compose
	if err := yaml.Unmarshal([]byte(read(t, dir, "compose.yaml")), &of); err != nil {
		t.Fatal(err)
	}
	nodes := 0
	for name, s := range of.Services {
		if !s.ReadOnly {
			t.Errorf("%s can write to its file system", name)
		}
		given := map[string]bool{}
		for _, secret := range s.Secrets {
			given["/run/secrets/"+secret] = true
			if of.Secrets[secret].File == "" {
				t.Errorf("the secret %s of %s has no file", secret, name)
			}
		}
		for variable, value := range s.Environment {
			if strings.HasSuffix(variable, "_FILE") != given[value] {
				t.Errorf("%s of %s is %s, which is not a secret of it", variable, name, value)
			}
		}
		if strings.HasPrefix(name, "node-") {
			nodes++
			if _, err := os.Stat(filepath.Join(dir, s.Build.Context, s.Build.Dockerfile)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			checkNode(t, s.Environment)
		}
	}
	if nodes != 2 {
		t.Errorf("there are %d nodes", nodes)
	}
}

// checkNode asks the command about the environment of a node.
func checkNode(t *testing.T, environ map[string]string) {
	t.Helper()
	dir := t.TempDir()
	database, masterKey := filepath.Join(dir, "database"), filepath.Join(dir, "master.key")
	if err := errors.Join(
		os.WriteFile(database, []byte("postgres://tokenwright@postgres/tokenwright?sslmode=disable\n"), 0o600),
		os.WriteFile(masterKey, []byte(base64.StdEncoding.EncodeToString(make([]byte, 32))), 0o600),
	); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(binary(), "config", "check")
	for variable, value := range environ {
		if _, fallback, ok := strings.Cut(value, ":-"); ok {
			value = strings.TrimSuffix(fallback, "}")
		}
		switch variable {
		case "TOKENWRIGHT_URL":
			value = "https://tokens.example.com"
		case "TOKENWRIGHT_DATABASE_FILE":
			value = database
		case "TOKENWRIGHT_MASTER_KEY_FILE":
			value = masterKey
		}
		c.Env = append(c.Env, variable+"="+value)
	}
	out, err := c.CombinedOutput()
	if err != nil || strings.Contains(string(out), "warning") || !strings.Contains(string(out), "trusted_proxies: 172.16.0.0/12") {
		t.Errorf("config check: %v\n%s", err, out)
	}
}
