package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// Figures, not limits: what a user of the released binary would measure.
func TestFiguresOfTheReleasedBinary(t *testing.T) {
	in := newInstallation(t)
	in.binary = filepath.Join(run.own, "released")
	// The release has -trimpath as well, which changes no figure but would
	// compile every package once more.
	if err := build(in.binary, "-ldflags", "-s -w"); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(in.binary)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("size of the binary: %.1f MiB", float64(info.Size())/(1<<20))
	s := in.start(t)
	in.seed(t)
	key := in.createKey(t, "demo")
	s.stop(t)

	for range 5 {
		began := time.Now()
		s = in.launch(t)
		eventually(t, 30*time.Second, "the first token", func() bool {
			_, err := askOnce(in.client, in.url, key)
			return err == nil
		})
		t.Logf("from exec to the first token: %s", time.Since(began).Round(time.Millisecond))
		t.Logf("resident memory with one token issued: %s", residentMemory(s.process.Process.Pid))
		in.client.Transport.(*http.Transport).CloseIdleConnections()
		s.stop(t)
	}
}

func residentMemory(pid int) string {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return "unknown here: " + err.Error()
	}
	found := regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindSubmatch(status)
	if found == nil {
		return "unknown here"
	}
	kib, err := strconv.Atoi(string(found[1]))
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%.1f MiB", float64(kib)/1024)
}
