package e2e

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/harness"
)

// Figures, not limits: what a user of the released binary would measure.
func TestFiguresOfTheReleasedBinary(t *testing.T) {
	in := harness.New(t)
	in.Binary = harness.Build(t, "-ldflags", "-s -w")
	info, err := os.Stat(in.Binary)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("size of the binary: %.1f MiB", float64(info.Size())/(1<<20))
	s := in.Start(t)
	in.Seed(t)
	key := in.CreateKey(t, "demo")
	s.Stop(t)

	for range 5 {
		began := time.Now()
		s = in.Launch(t)
		harness.Eventually(t, 30*time.Second, "the first token", func() bool {
			_, err := harness.AskOnce(in.Client, in.URL, key)
			return err == nil
		})
		t.Logf("from exec to the first token: %s", time.Since(began).Round(time.Millisecond))
		t.Logf("resident memory with one token issued: %s", residentMemory(s.Process.Process.Pid))
		in.Client.CloseIdleConnections()
		s.Stop(t)
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
