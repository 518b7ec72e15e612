package e2e

import (
	"context"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/harness"
)

// on a disk that takes a tenth of a second to keep what is written, a server
// knows an API key all the same by the time that the next command asks for a token.
func TestWhatACommandHasDoneWorksWithTheNextOneOnASlowDisk(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	s.Seed(t)
	s.CLI(t, "merchant", "update", "4259", "--key-limit", "100")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for range 10 {
		c := s.Command(ctx, "key", "create", "--merchant", "4259", "--env", "demo", "--name", "Orders sync", "--scope", "customers:read", "-o", "json")
		strace := harness.FindProgram(t, "strace")
		c.Path, c.Args = strace, append([]string{strace, "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null",
			"-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:delay_enter=100000"}, c.Args...) // in microseconds
		r := s.Finish(t, c)
		if r.Code != 0 {
			t.Fatalf("exit code %d\n%s", r.Code, r.Stderr)
		}
		key := harness.ReadKey(t, r.Stdout)
		next := *s.Installation
		next.Environ = append(next.Environ[:len(next.Environ):len(next.Environ)], "TOKENWRIGHT_CLIENT_ID="+key.ClientID, "TOKENWRIGHT_CLIENT_SECRET="+key.ClientSecret, "TOKENWRIGHT_URL="+s.URL)
		if r := next.Try(t, "token", "get"); r.Code != 0 {
			t.Errorf("exit code %d\n%s", r.Code, r.Stderr)
		} else {
			harness.NoteToken(r.Stdout)
		}
	}
}
