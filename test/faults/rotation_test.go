package faults

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
)

// signingKey is one of `signing-key list -o json`.
type signingKey struct{ Kid, Env, Status string }

// commands that rotate and revoke signing keys, and in every other round
// the server, are killed at any moment. Each environment has one active key, and
// it signs.
func TestKillDuringRotationLeavesOneActiveSigningKey(t *testing.T) {
	in := harness.New(t)
	in.Configure(t, "max_staleness: 1s\njwks_max_age: 1s\nclock_skew: 1s\nsigning_key_rotation: 4s\nenvironments: {demo: {token_lifetime: 1s}}\n")
	s := in.Start(t)
	in.Seed(t)
	key := in.CreateKey(t, "demo")
	in.AwaitKeys(t, key)
	killed, finished := 0, 0
	for round := range rounds() {
		k, f := killCommands(t, in, readSigningKeys(t, in)["demo active"])
		killed, finished = killed+k, finished+f
		if round%2 == 1 {
			s.Kill(t)
			s = in.Start(t)
		}
		keys := readSigningKeys(t, in)
		for _, env := range []string{"demo", "platform"} {
			if keys[env+" active"] == "" {
				t.Fatalf("round %d: %s has no active key: %v", round, env, keys)
			}
		}
		harness.Eventually(t, harness.Soon, "the active key signs, and a spare is announced", func() bool {
			now := readSigningKeys(t, in)
			_, spare := now["demo announced"]
			kid, _ := harness.Part(t, in.Token(t, key), 0)["kid"].(string)
			return spare && kid == now["demo active"]
		})
	}
	if v := in.VerifyEvents(t); !v.OK {
		t.Errorf("the events do not verify: %+v", v)
	}
	t.Logf("%d commands were killed, %d came to their end", killed, finished)
	evidence.Row{Rule: "R-14", What: "kill -9 of rotations and revocations of signing keys (embedded database)", Times: killed,
		Note: fmt.Sprintf("%d came to their end", finished)}.Report(t)
	if killed == 0 || finished == 0 {
		t.Error("this run has tested nothing")
	}
}

// killCommands runs commands that change signing keys, and kills each.
func killCommands(t *testing.T, in *harness.Installation, active string) (killed, finished int) {
	t.Helper()
	var wait sync.WaitGroup
	var mu sync.Mutex
	for _, args := range [][]string{
		{"signing-key", "revoke", "--force", "--yes", "--", active}, {"signing-key", "rotate", "--env", "demo"}, {"signing-key", "rotate", "--env", "demo"},
	} {
		wait.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(5+rand.IntN(40))*time.Millisecond)
			defer cancel()
			c := in.Command(ctx, args...) // whose context kills it
			out, err := c.CombinedOutput()
			in.Keep(t, "stderr", out)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case c.ProcessState == nil || wasKilled(c):
				killed++
			case c.ProcessState.Success(): // even if the time was over then
				finished++
			default:
				t.Errorf("%v: %v\n%s", args, err, out)
			}
		})
	}
	wait.Wait()
	return killed, finished
}

// readSigningKeys returns kids by "<env> <status>"; two active ones of an
// environment are a failure.
func readSigningKeys(t *testing.T, in *harness.Installation) map[string]string {
	t.Helper()
	var list []signingKey
	if err := json.Unmarshal([]byte(in.CLI(t, "signing-key", "list", "-o", "json")), &list); err != nil {
		t.Fatal(err)
	}
	keys := map[string]string{}
	for _, k := range list {
		name := k.Env + " " + k.Status
		if keys[name] != "" && k.Status == "active" {
			t.Errorf("%s has two active keys", k.Env)
		}
		keys[name] = k.Kid
	}
	return keys
}
