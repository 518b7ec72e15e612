package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/harness"
)

// What was acknowledged stays: the server and one of the commands are killed
// at any moment, round after round.
func TestEveryAcknowledgedKeySurvivesKills(t *testing.T) {
	t.Parallel()
	harness.Need(t, "sqlite3")
	in := harness.New(t)
	s := in.Start(t)
	s.Seed(t)
	s.CLI(t, "merchant", "update", "4259", "--key-limit", "1000")
	var acknowledged []harness.APIKey
	for round := range 5 {
		created := createUntilKilled(t, s)
		acknowledged = append(acknowledged, created...)
		s = in.Start(t)
		for _, key := range acknowledged {
			if !s.Works(t, key) {
				t.Errorf("round %d: %s was acknowledged and does not work", round, key.ClientID)
			}
		}
		if v := in.VerifyEvents(t); !v.OK {
			t.Errorf("round %d: the events: %+v", round, v)
		}
		if got := in.SQLite(t, "PRAGMA integrity_check;"); got != "ok" {
			t.Errorf("round %d: integrity_check: %s", round, got)
		}
		if len(created) == 0 {
			t.Errorf("round %d: nothing was acknowledged before the kill", round)
		}
	}
	t.Logf("%d API keys were acknowledged", len(acknowledged))
}

// createUntilKilled creates API keys with several commands at a time; in the
// midst of it the server and one command are killed. It returns the API keys
// that were shown to whoever ran the commands.
func createUntilKilled(t *testing.T, s *harness.Server) []harness.APIKey {
	t.Helper()
	const atATime = 3
	var mu sync.Mutex
	var texts []string
	ctx, killOne := context.WithCancel(context.Background())
	defer killOne()
	stop, stopAll := context.WithCancel(context.Background())
	defer stopAll()
	enough := make(chan struct{}, 1)
	var wg sync.WaitGroup
	for worker := range atATime {
		wg.Go(func() {
			of := stop
			if worker == 0 {
				of = ctx
			}
			for stop.Err() == nil && of.Err() == nil {
				text := create(of, t, s.Installation)
				mu.Lock()
				texts = append(texts, text)
				if len(texts) == atATime {
					enough <- struct{}{}
				}
				mu.Unlock()
			}
		})
	}
	<-enough
	<-time.After(time.Duration(rand.IntN(100)) * time.Millisecond) // any moment will do
	killOne()
	s.Kill(t)
	stopAll()
	wg.Wait()
	var keys []harness.APIKey
	for _, text := range texts {
		if json.Valid([]byte(text)) {
			keys = append(keys, harness.ReadKey(t, text))
		}
	}
	return keys
}

// create runs one command, which may be killed, and returns what it has shown.
func create(ctx context.Context, t *testing.T, in *harness.Installation) string {
	c := in.Command(ctx, "key", "create", "--merchant", "4259", "--env", "demo", "--name", "Survivor", "--scope", "customers:read", "-o", "json")
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	if err := c.Run(); err != nil && ctx.Err() == nil {
		t.Errorf("key create: %v\n%s", err, stderr.Bytes())
	}
	in.Keep(t, "stderr", stderr.Bytes())
	return stdout.String()
}
