package store

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/postgrestest"
)

// R-24, C-228: a session that is ended in a transaction, before its commit or in
// it, leaves nothing behind.
func TestASessionThatIsEndedLeavesNothingByHalf(t *testing.T) {
	url := postgrestest.Shared(t).Database(t)
	s := openPostgres(t, url)
	initialize(t, s)
	c := session(t, url)
	execute(t, c, `CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS
		$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$`)
	for trigger, when := range map[string]string{
		"first":  `BEFORE UPDATE ON event_head`,
		"middle": `AFTER INSERT ON merchants`,
		"last":   `AFTER INSERT ON events`,
	} {
		for _, deferred := range []string{"", " DEFERRABLE INITIALLY DEFERRED"} { // to the commit
			kind := map[bool]string{true: "TRIGGER", false: "CONSTRAINT TRIGGER"}[deferred == ""]
			if deferred != "" {
				when = strings.Replace(when, "BEFORE", "AFTER", 1)
			}
			execute(t, c, `CREATE `+kind+` die `+when+deferred+` FOR EACH ROW EXECUTE FUNCTION die()`)
			err := createMerchant(t, s, "acme")
			if postgresCode(err) != "57P01" {
				t.Errorf("ended at the %s statement%s: %v", trigger, deferred, err)
			}
			execute(t, c, `DROP TRIGGER die ON `+strings.Fields(when)[3])
			holdMerchant(t, s, "acme", false)
		}
	}
	must(t, createMerchant(t, s, "acme"))
	holdMerchant(t, s, "acme", true)
}

// sessions are ended at any moment while API keys are created, changed
// and deleted. Whatever was answered with success is there.
func TestSessionsThatAreEndedAtAnyMomentLoseNothing(t *testing.T) {
	url := postgrestest.Shared(t).Database(t)
	nodes := [2]*Store{openPostgres(t, url), openPostgres(t, url)}
	initialize(t, nodes[0])
	c := session(t, url)
	var wg sync.WaitGroup
	var mu sync.Mutex
	created, failed := []authority.MerchantID{}, 0
	ctx, stop := context.WithCancel(t.Context())
	for worker := range 8 {
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				id := authority.MerchantID(fmt.Sprintf("w%dn%d", worker, n))
				err := createMerchant(t, nodes[worker%2], id)
				mu.Lock()
				if err == nil {
					created = append(created, id)
				} else {
					failed++
				}
				mu.Unlock()
			}
		})
	}
	ended := 0
	for range 50 {
		ended += number(t, c, `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
			WHERE datname = current_database() AND state <> 'idle' AND application_name = 'tokenwright'`)
		time.Sleep(20 * time.Millisecond) // any moment will do
	}
	stop()
	wg.Wait()
	if failed == 0 || len(created) == 0 {
		t.Fatalf("%d sessions ended, %d calls failed, %d succeeded: this has tested nothing", ended, failed, len(created))
	}
	list, err := nodes[0].Merchants(t.Context(), authority.MerchantFilter{}, "", 1_000_000)
	must(t, err)
	there := map[authority.MerchantID]bool{}
	for i := range list {
		there[list[i].ID] = true
	}
	for _, id := range created {
		if !there[id] {
			t.Errorf("merchant %s was acknowledged and is not there", id)
		}
	}
	checkChain(t, nodes[0])
	if n := number(t, c, `SELECT count(*) FROM merchants m FULL JOIN events e ON e.subject = m.id AND e.kind = 'merchant.created'
		WHERE m.id IS NULL AND e.kind = 'merchant.created' OR e.seq IS NULL`); n != 0 {
		t.Errorf("%d merchants without their event, or events without their merchant", n)
	}
	for _, s := range nodes {
		holdIdle(t, s, DefaultConnections)
	}
	t.Logf("%d sessions ended; %d calls succeeded, %d failed", ended, len(created), failed)
}

// where the server takes no more connections, calls end with an error or
// use those that there are; none is lost, and all is well once there is room.
func TestMaxConnectionsReachedIsAnErrorAndHeals(t *testing.T) {
	server := postgrestest.Start(t, "max_connections=20", "superuser_reserved_connections=3", "max_wal_senders=0", "autovacuum=off", "fsync=off")
	server.Exec(t, "postgres", `CREATE ROLE node LOGIN PASSWORD 'of no use elsewhere'`)
	server.Exec(t, "postgres", `CREATE DATABASE tokenwright OWNER node TEMPLATE template0`)
	asNode := asRole(t, server.URL("tokenwright"))
	s := openPostgres(t, asNode)
	initialize(t, s)
	var others []*pgx.Conn
	for {
		c, err := pgx.Connect(t.Context(), asNode+"?sslmode=disable")
		if err != nil {
			if postgresCode(err) != pgTooManyConnections {
				t.Fatal(err)
			}
			break
		}
		others = append(others, c)
	}
	read := func(int, int) error {
		_, err := s.Merchants(t.Context(), authority.MerchantFilter{}, "", 10)
		return err
	}
	only, err := s.write.Conn(t.Context())
	must(t, err)
	failed := manyCalls(t, 0, 20, read)
	for _, err := range failed {
		if _, connecting := errors.AsType[*pgconn.ConnectError](err); !connecting && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("without room for a connection: %v", err)
		}
	}
	if len(failed) != 20 {
		t.Errorf("%d of 20 calls had a connection: this has tested nothing", 20-len(failed))
	}
	must(t, only.Close())
	must(t, read(0, 0)) // by the connection that there is
	holdIdle(t, s, DefaultConnections)
	for _, c := range others {
		must(t, c.Close(t.Context()))
	}
	await(t, session(t, server.URL("tokenwright")), "there is room again", 0,
		`SELECT count(*) FROM pg_stat_activity WHERE usename = 'node' AND application_name <> 'tokenwright'`)
	must(t, createMerchant(t, s, "acme"))
	for _, err := range manyCalls(t, 1, 20, read) {
		t.Errorf("with room for connections: %v", err)
	}
	holdIdle(t, s, DefaultConnections)
	holdMerchant(t, s, "acme", true)
}

// asRole is the URL for the role node, which is no superuser.
func asRole(t *testing.T, superuser string) string {
	t.Helper()
	u, err := url.Parse(superuser)
	must(t, err)
	u.User = url.UserPassword("node", "of no use elsewhere")
	return u.String()
}

// manyCalls makes n calls at once and returns the errors.
func manyCalls(t *testing.T, round, n int, call func(round, n int) error) (failed []error) {
	t.Helper()
	waits := []func() error{}
	for i := range n {
		waits = append(waits, inBackground(t, func() error { return call(round, i) }))
	}
	for _, wait := range waits {
		if err := wait(); err != nil {
			failed = append(failed, err)
		}
	}
	return failed
}

// after the server was restarted every connection of the pool is
// dead, which no call notices.
func TestConnectionsThatDiedCostNoFailedCall(t *testing.T) {
	server := postgrestest.Start(t, "fsync=off")
	s := openPostgres(t, server.Database(t))
	initialize(t, s)
	calls := map[string]func(round, n int) error{
		"change": func(round, n int) error {
			return createMerchant(t, s, authority.MerchantID(fmt.Sprintf("r%dn%d", round, n)))
		},
		"read": func(int, int) error {
			_, err := s.Merchants(t.Context(), authority.MerchantFilter{}, "", 10)
			return err
		},
		"position": func(int, int) error { _, err := s.Position(t.Context()); return err },
	}
	round := 0
	for what, call := range calls {
		for _, n := range []int{1, 2 * DefaultConnections} {
			round++
			fillPool(t, s)
			must(t, server.Stop(map[bool]syscall.Signal{true: syscall.SIGQUIT, false: syscall.SIGINT}[n == 1]))
			must(t, server.Restart())
			for _, err := range manyCalls(t, round, n, call) {
				t.Errorf("%s, %d at once: %v", what, n, err)
			}
		}
	}
	holdIdle(t, s, DefaultConnections)
	checkChain(t, s)
}

// fillPool opens as many connections as there may be.
func fillPool(t *testing.T, s *Store) {
	t.Helper()
	var held []interface{ Close() error }
	for range DefaultConnections {
		c, err := s.write.Conn(t.Context())
		must(t, err)
		held = append(held, c)
	}
	for _, c := range held {
		must(t, c.Close())
	}
}
