package faults

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/postgrestest"
	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
)

// PostgreSQL answers, and takes no changes: for all sessions, for new ones, or
// because all that is left of it is a standby that nobody has promoted. Tokens are
// issued and what was deleted stays refused; changes are answered 503, soon; log
// and commands say what is the matter; and once it takes changes, all goes on by itself.
func TestADatabaseThatTakesNoChangesIsNamedAndLosesNothing(t *testing.T) {
	evidence.Short(t)
	lasts := evidence.Choose(time.Second, 30*time.Second)
	harness.Need(t, "haproxy")
	primary := postgrestest.Start(t)
	standby := primary.Standby(t)
	waitForStandby(t, primary)
	c := harness.NewCluster(t, harness.ClusterOptions{Postgres: primary, Standby: standby})
	key, deleted := c.SeedKey(t), c.NewKey(t)
	deleteEverywhere(t, c, deleted)
	database := "ALTER DATABASE " + c.DatabaseName()
	sql := func(statements ...string) {
		for _, s := range statements {
			primary.Exec(t, "postgres", s)
		}
	}
	for _, fault := range []struct {
		what        string
		begin, mend func()
	}{{
		"PostgreSQL takes no changes",
		func() { sql("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()") },
		func() { sql("ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()") },
	}, {
		"the database takes no changes from new sessions, and old ones are ended",
		func() {
			sql(database+" SET default_transaction_read_only = on",
				"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '"+c.DatabaseName()+"'")
		},
		func() { sql(database + " RESET default_transaction_read_only") },
	}, {
		"the primary is killed, and its standby not promoted",
		func() {
			if err := primary.Stop(syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
		},
		func() {
			standby.Exec(t, "postgres", "SELECT pg_promote()")
			c.UsePostgres(standby)
		},
	}} {
		o := evidence.Row{Rule: "R-25", What: fault.what, Times: 1}
		tokens := evidence.StartLoad(t, c.Installation, key, evidence.Choose(50, 400))
		stopAsking := askForDeleted(t, &o, c, deleted)
		changes := startRevokers(t, c)
		changes.firstAfter(t, time.Now())
		fault.begin()
		began := time.Now()
		changes.awaitRefusals(t, began)
		isNamed(t, &o, c, began)
		<-time.After(time.Until(began.Add(lasts)))
		fault.mend()
		mended := time.Now()
		o.Recovers(t, latest(changes.recovered(t, mended), changes.firstAfter(t, mended)).Sub(mended), 5*time.Second)
		stopAsking()
		tokens.Into(t, &o, nil)
		o.Note = fmt.Sprintf("%d changes answered 503", changes.into(t, &o, c))
		o.Report(t)
	}
}

// readOnly is how PostgreSQL, and its driver, say it.
var readOnly = regexp.MustCompile(`read[- ]only`)

// isNamed looks for the reason in the log of each node, and in what a command says.
func isNamed(t *testing.T, o *evidence.Row, c *harness.Cluster, since time.Time) {
	t.Helper()
	for _, node := range c.Nodes {
		harness.Eventually(t, harness.Soon, "the log says that the database takes no changes", func() bool {
			for line := range strings.Lines(node.ReadLog(t)) {
				var record struct{ Time time.Time }
				if readOnly.MatchString(line) && json.Unmarshal([]byte(line), &record) == nil && record.Time.After(since) {
					return true
				}
			}
			return false
		})
	}
	if r := c.Try(t, "merchant", "update", "4259", "--name", "Changed"); r.Code == 0 || !readOnly.MatchString(r.Stderr) {
		t.Errorf("%s: a command ends with %d: %s", o.What, r.Code, r.Stderr)
	}
}
