package faults

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
)

// diskSize is room for what a run writes, and quickly copied.
const diskSize = 48 << 20

// the power fails while server and commands change things. What the disk holds
// at that moment, and not what the system would have written to it, is where all goes
// on: what was acknowledged is there, and nothing is by half.
func TestAPowerCutLosesNothingAcknowledged(t *testing.T) {
	evidence.Short(t)
	harness.Need(t, "sqlite3")
	in := harness.New(t)
	disk := in.OnDisk(t, diskSize)
	s := in.Start(t)
	in.Seed(t)
	idle, revoking := in.CreateKey(t, "demo"), in.CreateKey(t, "demo")
	in.AwaitKeys(t, idle, revoking)
	w := newWork(t, in)
	w.log.add(t, acknowledgement{Created: idle.ClientID, Secret: idle.ClientSecret})
	revoker := startRevoker(t, in, revoking, 20*time.Millisecond)
	o := evidence.Row{Rule: "R-11", What: "the power fails under server and commands (embedded database)"}
	done, notDone := 0, 0
	for o.Times < evidence.Choose(3, 100) && !t.Failed() {
		var image string
		o.Requests += w.workUntilKilled(t, s, idle, func() { image = disk.Copy(t) })
		disk.Become(t, image)
		began := time.Now()
		s = in.Start(t)
		o.Recovers(t, time.Since(began), 2*time.Second)
		o.Times++
		d, n := w.settle(t)
		done, notDone = done+d, notDone+n
		for _, problem := range append(lost(t, in, w.log), halfDone(t, in)...) {
			o.Lost++
			t.Errorf("power cut %d: %s", o.Times, problem)
		}
	}
	revoker.lostInto(t, &o, s)
	o.Note = fmt.Sprintf("%d changes acknowledged to commands, %d cut off (%d done); %d revocations acknowledged by the server", w.done, done+notDone, done, len(revoker.revoked))
	o.Report(t)
	if done+notDone == 0 {
		t.Error("no operation was ever cut off: this run has tested nothing")
	}
}

// a database that does not wait for the disk loses in the same power cuts what
// it has acknowledged; so they are some.
func TestAPowerCutLosesWhatIsNotSynchronised(t *testing.T) {
	evidence.Short(t)
	harness.Need(t, "sqlite3")
	disk := harness.New(t).OnDisk(t, diskSize)
	lossy, rows := 0, 0
	cuts := evidence.Choose(2, 10)
	for n := range cuts {
		acknowledged, kept := cutCareless(t, disk, fmt.Sprintf("careless-%d.db", n))
		if kept < acknowledged {
			lossy, rows = lossy+1, rows+acknowledged-kept
		}
	}
	t.Logf("synchronous=OFF lost acknowledged rows in %d of %d power cuts, %d in all", lossy, cuts, rows)
	if lossy == 0 {
		t.Errorf("synchronous=OFF lost nothing in %d power cuts: they are none", cuts)
	}
}

// cutCareless writes row after row to a database which does not wait for the disk,
// cuts the power, and returns how many rows were acknowledged and how many are there.
func cutCareless(t *testing.T, disk *harness.Disk, name string) (acknowledged, kept int) {
	t.Helper()
	database := filepath.Join(disk.Dir(), name)
	c := exec.CommandContext(t.Context(), harness.FindProgram(t, "sqlite3"), "-batch", database)
	stdin, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { // ends with the process
		_, _ = fmt.Fprintln(stdin, "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; CREATE TABLE t (n INTEGER PRIMARY KEY);")
		for n := 1; ; n++ {
			if _, err := fmt.Fprintf(stdin, "INSERT INTO t VALUES (%d); SELECT %d;\n", n, n); err != nil {
				return
			}
		}
	}()
	var last atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		for lines := bufio.NewReader(stdout); ; {
			line, err := lines.ReadString('\n')
			if err != nil { // the last line may be cut off
				return
			}
			if n, err := strconv.ParseInt(strings.TrimSpace(line), 10, 64); err == nil {
				last.Store(n)
			}
		}
	}()
	harness.Eventually(t, harness.Soon, "a row is acknowledged", func() bool { return last.Load() > 0 })
	time.Sleep(time.Duration(rand.IntN(300)) * time.Millisecond) // any moment will do
	_ = c.Process.Signal(syscall.SIGSTOP)
	harness.Eventually(t, harness.Soon, "the writer is stopped", func() bool { return stopped(c.Process.Pid) })
	image := disk.Copy(t)
	_ = c.Process.Kill()
	<-done
	_ = c.Wait() // it was killed
	disk.Become(t, image)
	kept, _ = strconv.Atoi(strings.TrimSpace(count(database)))
	return int(last.Load()), kept
}

// count is how many rows there are, "" where there is no table or no database.
func count(database string) string {
	out, _ := exec.Command("sqlite3", "-batch", database, "SELECT count(*) FROM t").Output()
	return string(out)
}
