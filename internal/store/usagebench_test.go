package store

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// BenchmarkAddUsage writes what a node has counted in 5 s where a thousand API
// keys of 300 merchants were used, each for the first time in its hour.
func BenchmarkAddUsage(b *testing.B) {
	s := openStore(b, newPath(b))
	for _, statement := range []string{
		`INSERT INTO environments VALUES (1, 'demo', 'd', 'ES256')`,
		numbers(300) + `INSERT INTO merchants SELECT 'm' || n, 'n', 'active', 3, 0, 0, 1 FROM numbers`,
		numbers(1000) + `INSERT INTO api_keys (id, merchant_id, env, name, description, scopes, status, generation, expires_at, created_at, created_by, updated_at, version, last_secret_id)
			SELECT 'k' || n, 'm' || (n % 300 + 1), 'demo', 'n', '', '', 'active', 0, 0, 0, '', 0, 1, 1 FROM numbers`,
	} {
		if _, err := s.write.ExecContext(b.Context(), statement); err != nil {
			b.Fatal(err)
		}
	}
	uses := make([]authority.Use, 1000)
	for n := 0; b.Loop(); n++ {
		for i := range uses {
			uses[i] = authority.Use{ClientID: authority.ClientID(fmt.Sprint("k", i+1)), Env: "demo", SecretID: 1, Outcome: authority.Issued, Count: 3,
				Hour: hour.Add(time.Duration(n) * time.Hour), At: hour.Add(time.Duration(n) * time.Hour)}
		}
		if err := s.AddUsage(context.Background(), uses, nil); err != nil {
			b.Fatal(err)
		}
	}
}
