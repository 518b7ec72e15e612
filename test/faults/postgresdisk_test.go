package faults

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"syscall"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/postgrestest"
	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
)

// postgresDisk is a file system with room for a small database and little more.
func postgresDisk(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "disk-") // not below one that only root may enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(dir) }) // empty, or nothing of ours
	harness.MountSmall(t, dir, 192<<20)
	return dir
}

// the disk of PostgreSQL is full. While it cannot make its tables larger it
// refuses changes; when it needs room for its log, it ends. Tokens are issued and
// what was deleted stays refused all the while; changes are answered 503, soon; and
// once there is room, and PostgreSQL runs, all goes on by itself.
func TestAFullDiskOfPostgreSQLRefusesChangesAndLosesNothing(t *testing.T) {
	evidence.Short(t)
	lasts := evidence.Choose(time.Second, 20*time.Second)
	disk := postgresDisk(t)
	harness.Need(t, "haproxy")
	c := harness.NewCluster(t, harness.ClusterOptions{Postgres: postgrestest.StartOn(t, disk, "max_wal_size=48MB", "min_wal_size=32MB")})
	key, deleted := c.SeedKey(t), c.NewKey(t)
	deleteEverywhere(t, c, deleted)
	for _, fault := range []struct {
		what   string
		happen func()
		mend   func() error
	}{
		{"PostgreSQL has no room for tables", func() {}, func() error { return nil }},
		{"PostgreSQL has no room for its log, and ends", func() { useUpLog(t, c) }, func() error {
			return errors.Join(c.Postgres.Stop(syscall.SIGQUIT), c.Postgres.Restart())
		}},
	} {
		o := evidence.Row{Rule: "R-25", What: fault.what}
		tokens := evidence.StartLoad(t, c.Installation, key, evidence.Choose(50, 400))
		stopAsking := askForDeleted(t, &o, c, deleted)
		changes := startCrowds(t, c)
		for range evidence.Choose(1, 5) {
			free := fill(t, disk)
			began := time.Now()
			fault.happen()
			changes.awaitRefusals(t, began)
			<-time.After(lasts)
			free()
			if err := fault.mend(); err != nil {
				t.Fatal(err)
			}
			mended := time.Now()
			o.Times++
			o.Recovers(t, latest(changes.recovered(t, mended), changes.firstAfter(t, mended)).Sub(mended), 5*time.Second)
		}
		stopAsking()
		tokens.Into(t, &o, nil)
		refused := changes.into(t, &o, c)
		o.Note = fmt.Sprintf("%d changes answered 503", refused)
		o.Report(t)
	}
}

// startCrowds are changes at each node, enough of them to need room soon.
func startCrowds(t *testing.T, c *harness.Cluster) (all revokers) {
	t.Helper()
	for _, node := range c.Nodes {
		all = append(all, startCrowd(t, node.Installation, c.NewKey(t), changesEach))
	}
	return all
}

// awaitRefusals returns once every node has refused a change that was asked for
// since then.
func (all revokers) awaitRefusals(t *testing.T, then time.Time) {
	t.Helper()
	for _, r := range all {
		harness.Eventually(t, time.Minute, "a change is refused", func() bool {
			r.mu.Lock()
			defer r.mu.Unlock()
			n := len(r.failed)
			return n > 0 && r.failed[n-1].At.After(then)
		})
	}
}

// recovered returns when the last change was asked of any node, behind then, that
// was not made.
func (all revokers) recovered(t *testing.T, then time.Time) (at time.Time) {
	t.Helper()
	for _, r := range all {
		at = latest(at, r.recovered(t, then))
	}
	return at
}

var panicked = regexp.MustCompile(`(PANIC|FATAL): .*No space left`)

// useUpLog has PostgreSQL begin new files of its log until it has no room for one.
func useUpLog(t *testing.T, c *harness.Cluster) {
	t.Helper()
	harness.Eventually(t, time.Minute, "PostgreSQL has no room for its log", func() bool {
		return c.Postgres.Try("postgres", "SELECT pg_switch_wal()") != nil
	})
	log, err := os.ReadFile(c.Postgres.LogFile())
	if err != nil || !panicked.Match(log) {
		t.Errorf("PostgreSQL is away for another reason: %v\n%s", err, log[max(0, len(log)-2000):])
	}
}
