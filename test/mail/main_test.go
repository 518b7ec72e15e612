package mail

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

// Without the race detector: what it could find here the tests of the packages have
// looked at.
func TestMain(m *testing.M) { os.Exit(harness.MainWithoutRace(m)) }

const user = "auth@example.com"

// server is a mail server, of which tests say what it answers.
type server struct {
	*harness.Program
	port        int
	answers     string // file
	certificate string // file; "" without TLS
	password    string
	command     func() *exec.Cmd
	before      []message // taken by processes that have ended
}

// message is what the mail server has taken.
type message struct {
	Helo, User, From, Text string
	TLS                    bool
	To, Defects            []string
	Header                 map[string]string
}

// startServer runs a mail server; args are those of server.py.
func startServer(t *testing.T, in *harness.Installation, args ...string) *server {
	t.Helper()
	const python = "/usr/bin/python3" // Debian's modules belong to Debian's Python
	if exec.Command(python, "-c", "import aiosmtpd").Run() != nil {
		harness.Missing(t, "the Python module aiosmtpd is not installed")
	}
	dir := t.TempDir()
	s := &server{port: harness.FreePort(t), answers: filepath.Join(dir, "answers.json"), password: rand.Text()}
	harness.NoteSecret(s.password)
	if slices.Contains(args, "--tls") {
		s.certificate = filepath.Join(dir, "certificate.pem")
		key := filepath.Join(dir, "key.pem")
		harness.Tool(t, "", "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3", "-subj", "/CN=mail",
			"-addext", "subjectAltName=DNS:mail.example.com,DNS:localhost", "-keyout", key, "-out", s.certificate)
		args = append(args, "--certificate", s.certificate, "--key", key)
	}
	s.answer(t, nil)
	s.command = func() *exec.Cmd {
		c := exec.Command(python, append([]string{"server.py", "--port", fmt.Sprint(s.port), "--answers", s.answers}, args...)...)
		c.Env = []string{"PASSWORD=" + s.password}
		return c
	}
	s.start(t, in)
	return s
}

// start runs the process, which has ended or was not there before.
func (s *server) start(t *testing.T, in *harness.Installation) {
	t.Helper()
	if s.Program != nil {
		s.before = s.taken(t)
	}
	s.Program = in.Background(t, "mail-"+rand.Text()[:8], s.command())
	harness.Eventually(t, harness.Soon, "the mail server listens", func() bool {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.port))
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
}

// answer sets what the mail server answers from now on.
func (s *server) answer(t *testing.T, answers map[string]string) {
	t.Helper()
	text, err := json.Marshal(answers)
	if err != nil {
		t.Fatal(err)
	}
	if answers == nil {
		text = []byte("{}")
	}
	if err := os.WriteFile(s.answers+".new", text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(s.answers+".new", s.answers); err != nil {
		t.Fatal(err)
	}
}

// taken are the messages so far.
func (s *server) taken(t *testing.T) []message {
	t.Helper()
	text, err := os.ReadFile(s.Log)
	if err != nil {
		t.Fatal(err)
	}
	list := slices.Clone(s.before)
	for line := range strings.Lines(string(text)) {
		var m message
		if !strings.HasPrefix(line, "{") || !strings.HasSuffix(line, "\n") {
			continue
		}
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("the mail server says %s: %v", line, err)
		}
		list = append(list, m)
	}
	return list
}

// recipients are those of the messages so far, sorted, each as often as there is a
// message.
func (s *server) recipients(t *testing.T) string {
	t.Helper()
	var list []string
	for _, m := range s.taken(t) {
		name, _, _ := strings.Cut(strings.Join(m.To, "+"), "@")
		list = append(list, name)
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}
