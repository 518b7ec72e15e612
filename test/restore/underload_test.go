package restore

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/tokenwright/tokenwright/admin"
	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
)

const writers = 16

// acknowledged is one API key, as its one writer was told.
type acknowledged struct {
	harness.APIKey
	secrets int // it was given, one at a time
	deleted bool
}

// crew are the writers of a server. What is acknowledged is kept here alone.
type crew struct {
	client *admin.Client
	failed func(error) error // what becomes of an error: nil ends the writer well

	mu   sync.Mutex
	keys map[string]acknowledged
	done int
}

// newCrew makes the merchants that writers work for.
func newCrew(t *testing.T, s *harness.Server) *crew {
	t.Helper()
	operator := s.CreateOperatorKey(t, "api-keys:read", "api-keys:write", "api-keys:delete")
	for n := range writers {
		s.CLI(t, "merchant", "create", "--id", fmt.Sprint(n+1), "--name", "Busy", "--key-limit", "1000")
	}
	harness.Eventually(t, patience, "the operator key works", func() bool { return s.Works(t, operator) })
	return &crew{client: s.Admin(operator), keys: map[string]acknowledged{}, failed: func(err error) error { return err }}
}

// begin lets the writers work until the function that it returns is called.
func (c *crew) begin(t *testing.T) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for n := range writers {
		wg.Go(func() {
			merchant := admin.NumberID(fmt.Sprint(n + 1))
			var mine []string
			for ctx.Err() == nil {
				err := c.step(merchant, &mine)
				if err == nil {
					continue
				}
				if err := c.failed(err); err != nil {
					t.Error(err)
				}
				return
			}
		})
	}
	return func() { cancel(); wg.Wait() }
}

// step makes one change of a writer's own API keys. It is never cut off, so that
// there is none of which nobody knows whether it is done.
func (c *crew) step(merchant admin.MerchantID, mine *[]string) error {
	ctx := context.Background()
	which := rand.IntN(4)
	if len(*mine) == 0 || which < 2 {
		k, err := c.client.CreateAPIKey(ctx, admin.NewAPIKey{MerchantID: merchant, Env: "demo", Name: "Busy", Scopes: []string{"customers:read"}})
		if err != nil {
			return fmt.Errorf("creating: %w", err)
		}
		harness.NoteKey(k.ClientID, k.ClientSecret)
		*mine = append(*mine, k.ClientID)
		c.note(k.ClientID, acknowledged{harness.APIKey{ClientID: k.ClientID, ClientSecret: k.ClientSecret}, 1, false})
		return nil
	}
	at := rand.IntN(len(*mine))
	id := (*mine)[at]
	c.mu.Lock()
	k := c.keys[id]
	c.mu.Unlock()
	if which == 2 {
		if err := c.client.DeleteAPIKey(ctx, id, 0); err != nil {
			return fmt.Errorf("deleting: %w", err)
		}
		*mine = slices.Delete(*mine, at, at+1)
		k.deleted = true
		c.note(id, k)
		return nil
	}
	var overlap int64
	rotated, err := c.client.RotateAPIKey(ctx, id, admin.Rotation{Overlap: &overlap})
	if err != nil {
		return fmt.Errorf("rotating: %w", err)
	}
	harness.NoteSecret(rotated.ClientSecret)
	k.ClientSecret, k.secrets = rotated.ClientSecret, k.secrets+1
	c.note(id, k)
	return nil
}

func (c *crew) note(id string, k acknowledged) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keys[id] = k
	c.done++
}

// soFar returns all that was acknowledged, and how many changes that took.
func (c *crew) soFar() (map[string]acknowledged, int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make(map[string]acknowledged, len(c.keys))
	for id, k := range c.keys {
		out[id] = k
	}
	return out, c.done
}

// stored is what a database holds of an API key.
type stored struct {
	status string
	last   int // number of its last secret
}

func readKeys(t *testing.T, in *harness.Installation) map[string]stored {
	t.Helper()
	out := map[string]stored{}
	for _, line := range in.Lines(t, "SELECT id || ' ' || status || ' ' || last_secret_id FROM api_keys WHERE env = 'demo'") {
		fields := strings.Fields(line)
		last, err := strconv.Atoi(fields[2])
		if err != nil {
			t.Fatal(err)
		}
		out[fields[0]] = stored{fields[1], last}
	}
	return out
}

// missing holds a database against what was acknowledged: each change is there, and
// maybe later ones.
func missing(known map[string]acknowledged, found map[string]stored) (problems []string) {
	for id, k := range known {
		switch f, there := found[id]; {
		case !there:
			problems = append(problems, id+" was created and is not there")
		case k.deleted && f.status != "deleted":
			problems = append(problems, id+" was deleted and is "+f.status)
		case f.last < k.secrets:
			problems = append(problems, fmt.Sprintf("%s was given %d secrets, and has had %d", id, k.secrets, f.last))
		}
	}
	return problems
}

// backups under load are each some state between their beginning and their
// end: all that was acknowledged before is in it, nothing from after, and of what
// came meanwhile all up to some event.
func TestBackupsUnderLoadAreStatesThatWere(t *testing.T) {
	t.Parallel()
	harness.Need(t, "sqlite3")
	s := harness.Start(t)
	s.Seed(t)
	c := newCrew(t, s)
	end := c.begin(t)
	harness.Eventually(t, patience, "all writers are at work", func() bool { _, n := c.soFar(); return n > 10*writers })
	type state struct {
		taken
		before      map[string]acknowledged
		first, last int64 // events when it began and had ended
	}
	head := func() int64 {
		n, err := strconv.ParseInt(s.Lines(t, "SELECT CAST(seq AS text) FROM event_head")[0], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	var states []state
	during := int64(0)
	for n := range evidence.Choose(3, 20) {
		var one state
		one.before, _ = c.soFar()
		one.first = head()
		one.taken = succeed[taken](t, s.Installation, "backup", beside(s.Installation, fmt.Sprint("backup", n)))
		one.last = head()
		during += one.last - one.first
		states = append(states, one)
	}
	end()
	events := eventsOf(t, s.Installation)
	known, done := c.soFar()
	if problems := missing(known, readKeys(t, s.Installation)); len(problems) > 0 {
		t.Errorf("the server has lost: %v", problems)
	}
	s.Stop(t)
	for n, one := range states {
		if one.Events < one.first || one.Events > one.last {
			t.Errorf("backup %d is of event %d, and was made between %d and %d", n, one.Events, one.first, one.last)
		}
		to := elsewhere(t, s.Installation)
		succeed[restored](t, to, "restore", one.File, "--accept-lost-changes")
		found := readKeys(t, to)
		for _, problem := range missing(one.before, found) {
			t.Errorf("backup %d: %s", n, problem)
		}
		for _, problem := range difference(found, after(events, one.Events)) {
			t.Errorf("backup %d, of event %d: %s", n, one.Events, problem)
		}
		if v := to.VerifyEvents(t); !v.OK {
			t.Errorf("backup %d: the events: %+v", n, v)
		}
		if n == len(states)-1 {
			secretsWork(t, to, s.URL, one.before, found)
		}
	}
	if during == 0 {
		t.Error("nothing changed while backups were made: this run has tested nothing")
	}
	evidence.Row{Rule: "R-15", What: "a backup beside writers, restored elsewhere", Times: len(states), Requests: done,
		Note: fmt.Sprintf("%d changes acknowledged, %d events while backups were made", done, during)}.Report(t)
}

// event is one of the list, as far as it is looked at here.
type event struct {
	Seq     int64
	Kind    string
	Subject string
	Env     string
}

func eventsOf(t *testing.T, in *harness.Installation) (list []event) {
	t.Helper()
	if err := json.Unmarshal([]byte(in.CLI(t, "event", "list", "-o", "json")), &list); err != nil {
		t.Fatal(err)
	}
	return list
}

// after is what events up to one have made of the API keys of demo.
func after(events []event, seq int64) map[string]stored {
	keys := map[string]stored{}
	for _, e := range events {
		if e.Seq > seq || e.Env != "demo" {
			continue
		}
		k := keys[e.Subject]
		switch e.Kind {
		case "api_key.created":
			k = stored{"active", 1}
		case "api_key.deleted":
			k.status = "deleted"
		case "api_key.rotated":
			k.last++
		default:
			continue
		}
		keys[e.Subject] = k
	}
	return keys
}

// difference says which API keys are others than events have made them.
func difference(found, want map[string]stored) (problems []string) {
	for id, k := range want {
		if found[id] != k {
			problems = append(problems, fmt.Sprintf("%s is %+v, not %+v", id, found[id], k))
		}
	}
	for id := range found {
		if _, there := want[id]; !there {
			problems = append(problems, id+" is there")
		}
	}
	return problems
}

// secretsWork asks a server on what was restored for tokens, with secrets that were
// acknowledged before the backup began and were not replaced meanwhile.
func secretsWork(t *testing.T, in *harness.Installation, url string, known map[string]acknowledged, found map[string]stored) {
	t.Helper()
	in.Public = url
	s := in.Start(t)
	works, refused := 0, 0
	for id, k := range known {
		switch f := found[id]; {
		case k.deleted && refused < 20:
			refused++
			if !s.Refuses(t, k.APIKey) {
				t.Errorf("%s was deleted before the backup, and is not refused", id)
			}
		case f.status == "active" && f.last == k.secrets && works < 20:
			works++
			if !s.Works(t, k.APIKey) {
				t.Errorf("%s was in the backup, and does not work", id)
			}
		}
	}
	if works == 0 || refused == 0 {
		t.Errorf("%d API keys that work and %d that were deleted: this run has tested nothing", works, refused)
	}
	s.Stop(t)
}
