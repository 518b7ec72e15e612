package store

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/postgrestest"
)

// soon is far above the limits that end a call, for a machine that has much
// else to do, and far below for ever.
const soon = 15 * time.Second

// session is a connection of somebody else, with no limit of ours.
func session(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(t.Context(), url+"?sslmode=disable")
	must(t, err)
	t.Cleanup(func() { _ = c.Close(context.Background()) }) // it may have been ended
	return c
}

func execute(t *testing.T, c *pgx.Conn, sql string) {
	t.Helper()
	_, err := c.Exec(t.Context(), sql)
	must(t, err)
}

func number(t *testing.T, c *pgx.Conn, sql string) (n int) {
	t.Helper()
	must(t, c.QueryRow(t.Context(), sql).Scan(&n))
	return n
}

// await waits until a query counts as many.
func await(t *testing.T, c *pgx.Conn, what string, want int, sql string) {
	t.Helper()
	for deadline := time.Now().Add(soon); number(t, c, sql) != want; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
	}
}

const waitsForLock = `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`

// inBackground runs a call in the background; wait returns how it ended.
func inBackground(t *testing.T, call func() error) (wait func() error) {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- call() }()
	return func() error {
		t.Helper()
		select {
		case err := <-ended:
			return err
		case <-time.After(soon):
			t.Fatal("the call has not ended")
			return nil
		}
	}
}

func createMerchant(t *testing.T, s *Store, id authority.MerchantID) error {
	return s.CreateMerchant(t.Context(), merchant(id), draft(authority.MerchantCreated, string(id)))
}

// holdMerchant holds that a merchant is there with its one event, or neither is.
func holdMerchant(t *testing.T, s *Store, id authority.MerchantID, want bool) {
	t.Helper()
	_, err := s.Merchant(t.Context(), id)
	if err != nil && !errors.Is(err, authority.ErrNotFound) {
		t.Fatal(err)
	}
	events, errEvents := s.Events(t.Context(), 0, 100_000)
	must(t, errEvents)
	n := 0
	for i := range events {
		if events[i].Kind == authority.MerchantCreated && events[i].Subject == string(id) {
			n++
		}
	}
	if there := err == nil; there != want || n != map[bool]int{true: 1}[want] {
		t.Errorf("merchant %s is there: %t, with %d events of its creation; want %t", id, there, n, want)
	}
	checkChain(t, s)
}

//
func TestWhatTheDatabaseEndsForAnotherIsTriedThreeTimesAndActsOnce(t *testing.T) {
	url := postgrestest.Shared(t).Database(t)
	s := openPostgres(t, url)
	initialize(t, s)
	c := session(t, url)
	execute(t, c, `CREATE SEQUENCE tries; CREATE TABLE failing (first INT, code TEXT)`)
	execute(t, c, `CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
		DECLARE f failing;
		BEGIN
			SELECT * INTO f FROM failing;
			IF nextval('tries') <= f.first THEN RAISE EXCEPTION 'planted' USING ERRCODE = f.code; END IF;
			RETURN NEW;
		END $$; CREATE TRIGGER fail BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION fail()`)
	for n, f := range []struct {
		code  string
		first int // how many tries fail
		tries int
	}{
		{pgSerializationFailure, 0, 1}, {pgSerializationFailure, 1, 2}, {pgSerializationFailure, 2, 3}, {pgSerializationFailure, 100, 3},
		{pgDeadlock, 1, 2}, {pgDeadlock, 2, 3}, {pgDeadlock, 100, 3},
		{"23514", 1, 1}, {"55P03", 1, 1}, {"57014", 1, 1}, // trying again would not help, or take too long
	} {
		id := authority.MerchantID(fmt.Sprint("m", n))
		execute(t, c, `ALTER SEQUENCE tries RESTART; DELETE FROM failing`)
		execute(t, c, fmt.Sprintf(`INSERT INTO failing VALUES (%d, '%s')`, f.first, f.code))
		err := createMerchant(t, s, id)
		if worked := f.first < f.tries; worked != (err == nil) || !worked && postgresCode(err) != f.code {
			t.Errorf("%d times %s: %v", f.first, f.code, err)
		}
		if tries := number(t, c, `SELECT last_value FROM tries`); tries != f.tries {
			t.Errorf("%d times %s: tried %d times, want %d", f.first, f.code, tries, f.tries)
		}
		holdMerchant(t, s, id, err == nil)
	}
}

// two transactions that wait for each other.
func TestDeadlockActsOnce(t *testing.T) {
	t.Parallel() // it waits for limits
	url := postgrestest.Shared(t).Database(t)
	s := openPostgres(t, url)
	initialize(t, s)
	m := addMerchant(t, s, "acme")
	gate, other := session(t, url), session(t, url)
	execute(t, gate, `CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS
		$$ BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NEW; END $$;
		CREATE TRIGGER wait BEFORE UPDATE ON merchants FOR EACH STATEMENT EXECUTE FUNCTION wait();
		SELECT pg_advisory_lock(1)`)
	execute(t, other, `SET deadlock_timeout = '1min'`) // the change finds out, and is what is ended
	execute(t, other, `BEGIN`)
	execute(t, other, `SELECT id FROM merchants WHERE id = 'acme' FOR UPDATE`)
	m.Name, m.Version = "Renamed", 2
	changed := inBackground(t, func() error {
		return s.UpdateMerchant(t.Context(), m, 0, draft(authority.MerchantUpdated, "acme"))
	})
	await(t, gate, "the change has the event counter", 1, waitsForLock)
	counted := inBackground(t, func() error {
		_, err := other.Exec(t.Context(), `UPDATE event_head SET seq = seq; ROLLBACK`)
		return err
	})
	await(t, gate, "the other waits for the event counter", 2, waitsForLock)
	execute(t, gate, `SELECT pg_advisory_unlock(1)`)
	must(t, counted()) // the change has lost what it had
	must(t, changed())
	stored, err := s.Merchant(t.Context(), "acme")
	must(t, err)
	wantEqual(t, "merchant", stored, m)
	if n := number(t, gate, `SELECT count(*) FROM events WHERE kind = 'merchant.updated'`); n != 1 {
		t.Errorf("%d events", n)
	}
	checkChain(t, s)
}

// an operator may have made the database stricter than we need it.
func TestSerializationFailureActsOnce(t *testing.T) {
	url := postgrestest.Shared(t).Database(t)
	s := openPostgres(t, url+"?default_transaction_isolation=serializable")
	initialize(t, s)
	c, other := session(t, url), session(t, url)
	execute(t, other, `BEGIN`)
	execute(t, other, `UPDATE event_head SET seq = seq`)
	wait := inBackground(t, func() error { return createMerchant(t, s, "acme") })
	await(t, c, "the change waits for the event counter", 1, waitsForLock)
	execute(t, other, `COMMIT`) // what waits sees a change since its snapshot: 40001
	must(t, wait())
	holdMerchant(t, s, "acme", true)
}

// a node whose connections are all in use answers with an error, but hears of
// changes; others do not notice.
func TestExhaustedPoolIsAnErrorAndEnds(t *testing.T) {
	t.Parallel() // it waits for limits
	url := postgrestest.Shared(t).Database(t)
	s, err := OpenPostgres(t.Context(), url, Options{Create: true, Connections: 2})
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	initialize(t, s)
	other := openPostgres(t, url)
	var held []interface{ Close() error }
	for range 2 {
		c, err := s.write.Conn(t.Context())
		must(t, err)
		held = append(held, c)
	}
	write := inBackground(t, func() error { return createMerchant(t, s, "late") })
	read := inBackground(t, func() error { _, err := s.Merchants(t.Context(), authority.MerchantFilter{}, "", 10); return err })
	must(t, createMerchant(t, other, "another"))
	_, err = s.Position(t.Context())
	must(t, err)
	for what, wait := range map[string]func() error{"change": write, "read": read} {
		if err := wait(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s without a connection: %v", what, err)
		}
	}
	for _, c := range held {
		must(t, c.Close())
	}
	must(t, createMerchant(t, s, "later"))
	holdMerchant(t, s, "late", false)
	holdIdle(t, s, 2)
}

// holdIdle holds that nothing keeps a connection, once those are open that were
// being opened, and that there are not more than there may be.
func holdIdle(t *testing.T, s *Store, most int) {
	t.Helper()
	for deadline := time.Now().Add(soon); ; time.Sleep(5 * time.Millisecond) {
		stats := s.write.Stats()
		if stats.OpenConnections > most {
			t.Errorf("%d connections are open, at most %d may be", stats.OpenConnections, most)
		}
		if stats.InUse == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d connections stay in use", stats.InUse)
		}
	}
}

// whoever waits for the event counter, or for another change of its node
// that does, waits no longer than its limit, and reading goes on.
func TestALockThatIsNotGivenUpIsAnError(t *testing.T) {
	t.Parallel() // it waits for limits
	url := postgrestest.Shared(t).Database(t)
	s := openPostgres(t, url)
	initialize(t, s)
	c, other := session(t, url), session(t, url)
	execute(t, other, `BEGIN`)
	execute(t, other, `UPDATE event_head SET seq = seq`)
	var waits []func() error
	for n := range 2 * DefaultConnections {
		waits = append(waits, inBackground(t, func() error { return createMerchant(t, s, authority.MerchantID(fmt.Sprint("m", n))) }))
	}
	await(t, c, "a change waits", 1, waitsForLock)
	_, err := s.Merchants(t.Context(), authority.MerchantFilter{}, "", 10)
	must(t, err)
	_, err = s.Position(t.Context())
	must(t, err)
	for _, wait := range waits {
		if err := wait(); postgresCode(err) != "55P03" && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a change that waits for a lock: %v", err)
		}
	}
	execute(t, other, `ROLLBACK`)
	for n := range waits {
		holdMerchant(t, s, authority.MerchantID(fmt.Sprint("m", n)), false)
	}
	must(t, createMerchant(t, s, "acme"))
	holdIdle(t, s, DefaultConnections)
}

// a node that is paused with the event counter in its hand loses it; the
// others go on before their own patience ends.
func TestAPausedTransactionIsEndedSoThatOthersGoOn(t *testing.T) {
	t.Parallel() // it waits for limits
	url := postgrestest.Shared(t).Database(t)
	paused, other := openPostgres(t, url), openPostgres(t, url)
	initialize(t, paused)
	begun, err := paused.write.BeginTx(t.Context(), nil)
	must(t, err)
	_, err = begun.ExecContext(t.Context(), `UPDATE event_head SET seq = seq + 1`)
	must(t, err)
	must(t, inBackground(t, func() error { return createMerchant(t, other, "acme") })())
	if err := begun.Commit(); err == nil {
		t.Error("what was paused went on")
	}
	holdMerchant(t, other, "acme", true)
	must(t, createMerchant(t, paused, "another"))
}
