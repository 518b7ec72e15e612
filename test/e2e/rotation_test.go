package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
)

// rotation is one run of two servers under load while their signing keys rotate.
type rotation struct {
	config  string        // of servers and commands
	maxAge  int           // seconds, as configured
	seconds int           // how long tokens are asked for
	every   time.Duration // how often somebody asks for a rotation
	workers int           // of each server
	pause   int           // of a worker, milliseconds
	again   int           // every which token is verified again before it expires
	kids    int           // at least so many keys sign
}

var (
	shortRotation = rotation{
		config: `
max_staleness: 2s
jwks_max_age: 3s
clock_skew: 1s
signing_key_rotation: 7s
environments: {demo: {token_lifetime: 3s}}
`, maxAge: 3, seconds: 16, every: 2 * time.Second, workers: 2, pause: 20, again: 1, kids: 3,
	}
	fullRotation = rotation{
		config: `
max_staleness: 5s
jwks_max_age: 10s
clock_skew: 5s
signing_key_rotation: never
environments: {demo: {token_lifetime: 1m}}
`, maxAge: 10, every: time.Minute, workers: 8, pause: 10, again: 50,
	}
)

// C-181, R-34: while signing keys rotate as fast as they may, every token verifies
// with the JWKS of every server, by jose, which keeps a JWKS for as long as it
// may, until it expires.
func TestEveryTokenVerifiesWhileSigningKeysRotate(t *testing.T) {
	r := evidence.Choose(shortRotation, fullRotation)
	if evidence.Full() {
		length := evidence.Lasting(0, 30*time.Minute)
		r.seconds, r.kids = int(length.Seconds()), int(length.Minutes())-1
	}
	in := harness.New(t)
	in.Configure(t, r.config)
	first := in.Start(t)
	in.Seed(t)
	key := in.CreateKey(t, "demo")
	in.AwaitKeys(t, key)
	second := in.Launch(t, "--listen", "127.0.0.1:0")
	var address string
	harness.Eventually(t, 30*time.Second, "the second server serves", func() bool {
		for _, record := range second.Records(t, "serving") {
			address, _ = record["listen"].(string)
		}
		return address != ""
	})

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	rotated := make(chan error, 1)
	go func() {
		rotated <- keepRotating(ctx, r.every, func() *exec.Cmd { return in.Command(ctx, "signing-key", "rotate", "--env", "demo") })
	}()
	got := r.verify(t, key, in.URL+"/demo", first.URL, "http://"+address)
	stop()
	if err := <-rotated; err != nil {
		t.Error(err)
	}
	r.check(t, got)
	checkKeyring(t, in)
	for _, s := range []*harness.Server{first, second} {
		if strings.Contains(s.ReadLog(t), `"level":"ERROR"`) {
			t.Errorf("a server has logged errors:\n%s", s.LastLog(t))
		}
	}
}

func (r rotation) check(t *testing.T, got found) {
	t.Helper()
	row := evidence.Row{Rule: "R-34", What: fmt.Sprintf("signing keys rotate every %s for %s", r.every, time.Duration(r.seconds)*time.Second), Times: len(got.Kids),
		Requests: got.Tokens, Wrong: len(got.Failures), Note: fmt.Sprintf("verified %d times, signed by %d keys", got.Verified, len(got.Kids))}
	row.AtLeast(t, "tokens", float64(got.Tokens)/float64(r.seconds), "/s", 500)
	row.Report(t)
	for _, failure := range got.Failures {
		t.Error(failure)
	}
	if got.Tokens == 0 || got.Verified < 2*got.Tokens || len(got.Kids) < r.kids {
		t.Errorf("%d tokens, verified %d times, signed by %d keys", got.Tokens, got.Verified, len(got.Kids))
	}
}

// found is what rotation.mjs has to say.
type found struct {
	Tokens, Verified int
	Kids, Failures   []string
}

// keepRotating runs the command at once and then every so often.
func keepRotating(ctx context.Context, every time.Duration, command func() *exec.Cmd) error {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		if out, err := command().CombinedOutput(); err != nil && ctx.Err() == nil {
			return fmt.Errorf("signing-key rotate: %w\n%s", err, out)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

func (r rotation) verify(t *testing.T, key harness.APIKey, issuer string, servers ...string) (got found) {
	t.Helper()
	job, err := json.Marshal(map[string]any{
		"servers": servers, "issuer": issuer, "clientId": key.ClientID, "clientSecret": key.ClientSecret, "seconds": r.seconds,
		"workers": r.workers, "pause": r.pause, "again": r.again, "maxAge": r.maxAge, "defaults": r.seconds >= 60,
	})
	if err != nil {
		t.Fatal(err)
	}
	out := harness.Node(t, string(job), "rotation.mjs")
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("reading what rotation.mjs found: %v\n%s", err, out)
	}
	return got
}

// checkKeyring holds that each environment has one active key and a spare, that
// some of demo have been removed, and that two servers have done nothing twice.
func checkKeyring(t *testing.T, in *harness.Installation) {
	t.Helper()
	var keys []struct{ Kid, Env, Status string }
	if err := json.Unmarshal([]byte(in.CLI(t, "signing-key", "list", "-o", "json")), &keys); err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, k := range keys {
		count[k.Env+" "+k.Status]++
	}
	for _, env := range []string{"demo", "platform"} {
		if count[env+" active"] != 1 || count[env+" announced"] < 1 || count[env+" announced"] > 2 {
			t.Errorf("%s has keys %v", env, count)
		}
	}
	if count["demo removed"] == 0 {
		t.Errorf("no key was removed: %v", count)
	}
	if v := in.VerifyEvents(t); !v.OK {
		t.Errorf("the events do not verify: %+v", v)
	}
}
