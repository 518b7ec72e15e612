package store

import (
	"os"
	"testing"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/postgrestest"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Main(m)) }

// openPostgres opens a database that postgrestest has made.
func openPostgres(t testing.TB, url string) *Store {
	t.Helper()
	s, err := OpenPostgres(t.Context(), url, Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestPostgresConforms(t *testing.T) {
	testConformance(t, func(t *testing.T) authority.Store { return openPostgres(t, postgrestest.Shared(t).Database(t)) })
}

func TestPostgresHoldsUnderConcurrency(t *testing.T) {
	testConcurrency(t, func(t *testing.T) [2]authority.Store {
		url := postgrestest.Shared(t).Database(t)
		return [2]authority.Store{openPostgres(t, url), openPostgres(t, url)}
	})
}
