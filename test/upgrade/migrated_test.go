package upgrade

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/harness"
)

// a database of the kept release that is migrated has the schema of a new one,
// and holds what it did; and everything in it works, for the kept release too.
func TestAMigratedDatabaseIsLikeANewOneAndWorks(t *testing.T) {
	databases(t, func(t *testing.T, kind string, empty func() *harness.Installation) {
		for what, binary := range map[string]string{"this state": "", "the next release": nextRelease(t)} {
			in, fresh := empty(), empty()
			s := restored(t, kind, in)
			before, has := rows(t, kind, in, nil)
			if binary != "" {
				in.Binary, fresh.Binary = binary, binary
			}
			fresh.CLI(t, "migrate")
			in.CLI(t, "migrate")
			if got, want := dump(t, kind, in, true), dump(t, kind, fresh, true); got != want {
				t.Errorf("%s: a migrated database has another schema than a new one; it has\n%s\nand the new one has\n%s", what, got, want)
			}
			after, _ := rows(t, kind, in, has)
			for table, held := range before {
				if after[table] != held {
					t.Errorf("%s: the migration has changed what the kept release reads in %s, from\n%s\nto\n%s", what, table, held, after[table])
				}
			}
			checkWorks(t, in, s)
			checkGoesOn(t, in)
			in.Binary = keptRelease(t).binary // who goes back finds everything as well
			checkWorks(t, in, s)
			checkGoesOn(t, in)
		}
	})
}

// checkWorks holds that everything in a kept database works, for a server of the
// installation's binary.
func checkWorks(t *testing.T, in *harness.Installation, s *seed) {
	t.Helper()
	server := in.Start(t)
	checkAnswers(t, in, s)
	if v := in.VerifyEvents(t, "--head", s.Head); !v.OK {
		t.Errorf("the events: %+v", v)
	}
	if got := users(t, in); !slices.Equal(got, s.Users) {
		t.Errorf("the users are\n%q\nand were\n%q", got, s.Users)
	}
	if got := merchants(t, in); !slices.Equal(got, s.Merchants) {
		t.Errorf("the merchants are\n%q\nand were\n%q", got, s.Merchants)
	}
	server.Stop(t)
}

// checkGoesOn holds that what is new joins what is old.
func checkGoesOn(t *testing.T, in *harness.Installation) {
	t.Helper()
	server := in.Start(t)
	key := in.CreateKey(t, "demo")
	harness.Eventually(t, harness.Propagation, "a new API key works", func() bool { return in.Works(t, key) })
	in.CLI(t, "key", "delete", key.ClientID, "--yes")
	harness.Eventually(t, harness.Propagation, "a deleted API key is refused", func() bool { return in.Refuses(t, key) })
	if v := in.VerifyEvents(t); !v.OK {
		t.Errorf("the events: %+v", v)
	}
	server.Stop(t)
}

// checkAnswers holds that every secret gets the answer that the kept release gave.
func checkAnswers(t *testing.T, in *harness.Installation, s *seed) {
	t.Helper()
	for _, k := range s.APIKeys {
		a := in.Ask(t, in.URL+"/oauth/token", k.ClientID, k.secret())
		wanted := k.Error
		if !k.Until.IsZero() && time.Now().After(k.Until) {
			wanted = "invalid_client"
		}
		if a.Error != wanted || (a.AccessToken == "") != (wanted != "") {
			t.Errorf("the API key that is %s gets %q (%s), not %q", k.What, a.Error, a.Description, wanted)
		}
	}
}

// C-530: a migration that was released is never changed, nor taken away: databases
// have it.
func TestReleasedMigrationsStayAsTheyAre(t *testing.T) {
	const dir = "internal/store/migrations"
	released := readAll(t, filepath.Join(keptRelease(t).source, dir))
	now := readAll(t, harness.File(dir))
	for name, text := range released {
		if now[name] != text {
			t.Errorf("%s was released and is another now", name)
		}
	}
	// The first of a database is made by all of them, in this order.
	for _, name := range slices.Sorted(maps.Keys(now)) {
		if _, old := released[name]; !old && name <= slices.Max(slices.Collect(maps.Keys(released))) {
			t.Errorf("%s is new, and its number is none behind those of the release", name)
		}
	}
}

func readAll(t testing.TB, dir string) map[string]string {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil || len(files) == 0 {
		t.Fatalf("there is nothing in %s: %v", dir, err)
	}
	all := map[string]string{}
	for _, f := range files {
		all[f.Name()] = readText(t, filepath.Join(dir, f.Name()))
	}
	return all
}

// C-531: whatever this state does to the schema, the kept release may still work on it:
// a migration that takes something away from it, and says so, comes a release too soon;
// one that does not say so fails the tests of R-61.
func TestTheKeptReleaseIsWithinTheWindow(t *testing.T) {
	databases(t, func(t *testing.T, kind string, empty func() *harness.Installation) {
		in := empty()
		in.CLI(t, "migrate")
		var oldest int
		if _, err := fmt.Sscan(in.Lines(t, "SELECT CAST(oldest AS TEXT) FROM schema_window")[0], &oldest); err != nil {
			t.Fatal(err)
		}
		if r := keptRelease(t); oldest > r.newest {
			t.Errorf("the schema is for releases that know migration %d; the kept release knows %d", oldest, r.newest)
		}
		in.Binary = keptRelease(t).binary
		if r := in.Try(t, "migrate"); r.Code != 0 {
			t.Errorf("the kept release refuses the schema: %s", r.Stderr)
		}
	})
}
