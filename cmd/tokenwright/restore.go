package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/store"
)

// restoreFlags are those of the command restore.
type restoreFlags struct {
	finish, replace, acceptLost, yes bool
	replay, head                     string
}

func (a *app) restoreCommand() *cobra.Command {
	var f restoreFlags
	c := a.command("restore [FILE]", "Put a backup in the place of the database", func(ctx context.Context, args []string) error {
		return a.restore(ctx, args, &f)
	})
	c.Flags().StringVar(&f.replay, "replay", "", "do again what the events in this `file` tell: an export, or a database that was replaced; - is standard input")
	c.Flags().BoolVar(&f.acceptLost, "accept-lost-changes", false, "what has happened since is not known, or not all of it")
	c.Flags().StringVar(&f.head, "head", "", "a head that the export must reach, as `SEQ:HASH` of a server's log")
	c.Flags().BoolVar(&f.replace, "replace", false, "put it in the place of a database, which keeps another name")
	c.Flags().BoolVar(&f.yes, "yes", false, "with --finish --accept-lost-changes, though servers are at work on the database")
	c.Flags().BoolVar(&f.finish, "finish", false, "finish the restore of a PostgreSQL database, before servers are started")
	return explained(c, `Put a backup in the place of the embedded database, with the master key that it was
made under (or the one that was rotated to since, and the old one beside it). Stop the
server first. PostgreSQL restores with its own tools; then --finish does the rest here.

An old database knows nothing of what was revoked since. So a restore ends every token
that was ever issued, and tells verifiers: applications get new ones by themselves.
And it wants to know what happened since:

  --replay FILE          the events up to the last one, from an export, or from the
                         database that is to be replaced, where that can still be
                         read: each is checked against the chain, and done again. What
                         was deleted, disabled or revoked is so again. Secrets made
                         since are lost; the answer lists the API keys that need
                         another. Where events are missing, --head tells.
  --accept-lost-changes  it is not known: what was deleted or disabled since works
                         again, until you do it again. Every signing key is replaced.
  both                   the events end before the last one

A PostgreSQL database that was copied is noticed, and no server works on the copy. Where
nothing happened since, as when all servers were stopped before, --finish with --head, the
last one that was logged, is enough: then tokens live on.

Interrupted, run it again.`,
		`tokenwright restore /var/backups/tokenwright/tokenwright-20261129T020000Z.db --replay events.json
# Back, but for what was done since: its events are in the database that is there.
tokenwright restore backup.db --replace --replay tokenwright-data/tokenwright.db
# Nothing is known of what was done since.
tokenwright restore backup.db --replace --accept-lost-changes
# After pg_restore, before nodes are started.
tokenwright restore --finish --replay events.json
# The database is on another machine now; all servers were stopped before.
tokenwright restore --finish --head 10:6feb1d73b1e7424c973b2b0d285cbc01343267a716c13adb3a8f4efd10642852`)
}

func (a *app) restore(ctx context.Context, args []string, f *restoreFlags) error {
	if err := a.noServer(); err != nil {
		return err
	}
	var noted []authority.EventHead
	if f.head != "" {
		head, err := parseHead("--head", f.head)
		if err != nil {
			return err
		}
		noted = append(noted, head)
	}
	var missing error
	if len(args) > 0 {
		_, missing = os.Stat(args[0])
	}
	switch {
	case f.finish != (len(args) == 0):
		return usageError{"restore takes a FILE, or --finish for a database that PostgreSQL has restored"}
	case f.finish && !a.config.onPostgres():
		return usageError{"--finish is for PostgreSQL; the embedded database is restored from a FILE"}
	case !f.finish && a.config.onPostgres():
		return usageError{"PostgreSQL restores with its own tools (pg_restore); then: tokenwright restore --finish"}
	case missing != nil:
		return fmt.Errorf("reading the backup: %w", missing)
	case f.finish && len(noted) > 0 && f.replay == "" && !f.acceptLost:
		return a.keepPlace(ctx, noted[0])
	case f.replay == "" && !f.acceptLost:
		return usageError{"what has happened since? Give the events with --replay FILE (an export, or the database that was there), or say\n" +
			"  --accept-lost-changes: then what was deleted or disabled since works again.\n" +
			"  Where nothing has happened since, --finish with --head, the last head that a server has logged, is enough"}
	case f.head != "" && f.replay == "":
		return usageError{"--head goes with --replay, or with --finish alone"}
	}
	r := authority.Restoration{Noted: noted, ChangesLost: f.acceptLost}
	if show := a.progress(); show != nil {
		r.Progress = func(seq int64) { show(fmt.Sprintf("event %d done again", seq)) }
	}
	if f.replay != "" {
		events, closer, err := a.knownEvents(ctx, f.replay)
		if err != nil {
			return err
		}
		defer func() { _ = closer.Close() }() // it was read only
		r.Events = events
	}
	if f.finish {
		r.InPlace = true
		done, err := a.restoreHere(ctx, store.Options{Patient: true}, r, f.yes)
		if err != nil {
			return err
		}
		return a.printRestored(done, &r, "")
	}
	return a.restoreFile(ctx, args[0], f.replace, r)
}

// restoringSuffix is behind the name of the database in that of the file which is to
// take its place.
const restoringSuffix = ".restoring"

// sqliteHeader is what a database file begins with
// (https://www.sqlite.org/fileformat.html 1.3).
const sqliteHeader = "SQLite format 3\x00"

// knownEvents reads the events of a file, an export or a database, or of standard input,
// which - names.
func (a *app) knownEvents(ctx context.Context, name string) (iter.Seq2[*authority.Event, error], io.Closer, error) {
	if name == "-" {
		return authority.ReadEvents(a.stdin), io.NopCloser(nil), nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, err
	}
	header := make([]byte, len(sqliteHeader))
	if n, _ := f.ReadAt(header, 0); n < len(header) || string(header) != sqliteHeader {
		return authority.ReadEvents(f), f, nil
	}
	return storedEvents(ctx, name, authority.EventFilter{}), io.NopCloser(nil), errors.Join(f.Close(), checkOwner(name))
}

// storedEvents is every event that f matches of a database file, which is open only
// while they are read: it may be the one that is replaced.
func storedEvents(ctx context.Context, path string, f authority.EventFilter) iter.Seq2[*authority.Event, error] {
	return func(yield func(*authority.Event, error) bool) {
		st, err := store.OpenSQLite(ctx, path, store.Options{AsIs: true, Scratch: true})
		if err != nil {
			yield(nil, err)
			return
		}
		defer func() { _ = st.Close() }() // it was read only
		authority.PagedEvents(func(after int64, limit int) ([]authority.Event, error) { return st.FindEvents(ctx, f, after, limit) })(yield)
	}
}

// restoreFile restores a backup beside the database, and gives it its name at the
// end: whatever happens before, the database that was there is as it was.
func (a *app) restoreFile(ctx context.Context, backup string, replace bool, r authority.Restoration) error {
	path, _ := a.config.embedded()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if err := errors.Join(checkOwner(filepath.Dir(path)), a.checkMasterKey()); err != nil {
		return err
	}
	kept, err := a.placeFor(ctx, path, replace)
	if err != nil {
		return err
	}
	replaced := authority.EventHead{}
	if kept != "" {
		replaced = lastHead(ctx, path)
	}
	if replaced.Seq > 0 && !r.ChangesLost {
		r.Noted = append(r.Noted, replaced)
	}
	scratch := path + restoringSuffix
	used, err := store.InUse(ctx, scratch)
	if err != nil {
		return err
	}
	if used {
		return fmt.Errorf("another restore to %s is at work", path)
	}
	remove := func() {
		for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
			_ = os.Remove(scratch + suffix)
		}
	}
	remove() // of one that was interrupted
	defer remove()
	if err := copyBackup(backup, scratch); err != nil {
		return fmt.Errorf("copying the backup: %w", err)
	}
	restoring := *a
	restoring.config.Database = "sqlite:" + scratch
	done, err := restoring.restoreHere(ctx, store.Options{Scratch: true}, r, false)
	if broken, ok := errors.AsType[*authority.ChainError](err); ok && broken.Seq <= replaced.Seq && !r.ChangesLost {
		err = fmt.Errorf("%w.\n  The database that is there goes on to event %d, and can be given to --replay itself: --replay %s;\n"+
			"  or say --accept-lost-changes as well", err, replaced.Seq, path)
	}
	if err != nil {
		if damage := store.Check(ctx, scratch); damage != nil { // it fails in strange ways
			return fmt.Errorf("%s: %w", backup, damage)
		}
		return err
	}
	// Looked at again, for a server may have been started meanwhile.
	if kept, err = a.placeFor(ctx, path, replace); err != nil {
		return err
	}
	if err := store.PutInPlace(ctx, scratch, path, kept); err != nil {
		return fmt.Errorf("putting the restored database in its place: %w", err)
	}
	return a.printRestored(done, &r, kept)
}

// lastHead is the last event of a database that is to be replaced which a replay must
// reach, zero where it cannot be read. That it was restored itself is none: the same
// restore may be run again.
func lastHead(ctx context.Context, path string) authority.EventHead {
	for e, err := range storedEvents(ctx, path, authority.EventFilter{NewestFirst: true}) {
		if err != nil {
			break
		}
		if e.Kind != authority.InstallationRestored {
			return authority.EventHead{Seq: e.Seq, Hash: e.Hash}
		}
	}
	return authority.EventHead{}
}

// placeFor looks at what stands where the database is to be, and returns the name
// that it is to keep, "" where nothing stands there.
func (a *app) placeFor(ctx context.Context, path string, replace bool) (kept string, err error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if !replace {
		return "", fmt.Errorf("there is a database at %s; with --replace it keeps another name, and the backup takes its place", path)
	}
	if err := checkOwner(path); err != nil {
		return "", err
	}
	used, err := store.InUse(ctx, path)
	if err != nil {
		return "", err
	}
	if used {
		return "", fmt.Errorf("%s is in use: stop the server first", path)
	}
	return path + ".replaced-" + time.Now().UTC().Format("20060102T150405.000Z"), nil
}

// copyBackup copies the file of a backup, and a log beside it, as others may have
// made one.
func copyBackup(from, to string) error {
	for _, suffix := range []string{"", "-wal"} {
		in, err := os.Open(from + suffix)
		if suffix != "" && errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		out, err := os.OpenFile(to+suffix, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err == nil {
			_, err = io.Copy(out, in)
			err = errors.Join(err, out.Close())
		}
		if err := errors.Join(err, in.Close()); err != nil {
			return err
		}
	}
	return nil
}

// checkMasterKey says where the master key is to be, where there is none.
func (a *app) checkMasterKey() error {
	keys, err := a.masterKeys()
	if err == nil && len(keys) == 0 {
		err = fmt.Errorf("a backup does not hold the master key; put the one that it was made under at %s, or name it with master_key_file", a.masterKeyPlace())
	}
	return err
}

// restoreHere restores the database as it is, and seals it under the present master
// key.
func (a *app) restoreHere(ctx context.Context, o store.Options, r authority.Restoration, yes bool) (done *authority.Restored, err error) {
	keys, err := a.masterKeys()
	if err != nil {
		return nil, err
	}
	return done, a.withStore(ctx, o, true, func(auth *authority.Authority, st *store.Store) error {
		if !o.Scratch && r.ChangesLost && !yes {
			if err := refuseAtWork(ctx, auth, st); err != nil {
				return err
			}
		}
		r.Users = account.New(auth, st).Replay
		if done, err = auth.Restore(ctx, commandActor(), r); err != nil {
			return err
		}
		return auth.KeepMasterKey(ctx, commandActor(), keys[0])
	})
}

// refuseAtWork keeps somebody who has the wrong database at hand from ending every
// token of one that is at work.
func refuseAtWork(ctx context.Context, auth *authority.Authority, st *store.Store) error {
	nodes, err := st.Nodes(ctx)
	if err != nil {
		return err
	}
	for i := range nodes {
		if auth.Now().Sub(nodes[i].SeenAt) < time.Minute {
			return fmt.Errorf("a server on %s is at work on this database, or was a minute ago: is it the right one? Stop the servers, or add --yes", nodes[i].Host)
		}
	}
	return nil
}

// keepPlace takes a copy of the database for the one to work on, which lacks nothing:
// its last event is the one that a server has noted at its end.
func (a *app) keepPlace(ctx context.Context, expected authority.EventHead) error {
	return a.withStore(ctx, store.Options{}, true, func(auth *authority.Authority, st *store.Store) error {
		head, err := st.EventHead(ctx)
		if err != nil {
			return err
		}
		if head.String() != expected.String() {
			return fmt.Errorf("the last event of this database is %s, not that of --head: something is missing, or the head is not the last one that was logged", head)
		}
		name := a.config.databaseName()
		d, err := movedTo(auth, name)
		if err != nil {
			return err
		}
		if err := st.KeepPlace(ctx, d); err != nil {
			return err
		}
		return a.print(map[string]any{"database": name, "head": head.String()}, func(w io.Writer) {
			fmt.Fprintf(w, "%s lacks nothing up to event %d. Start the servers.\n", name, head.Seq)
		})
	})
}

// withReplacedKey adds the master key that was replaced by the one in the data
// directory: a backup from before is sealed under it.
func (a *app) withReplacedKey(keys []authority.MasterKey) ([]authority.MasterKey, error) {
	if !a.managesMasterKey() {
		return keys, nil
	}
	replaced, err := masterKeyIn(filepath.Join(a.config.Data, masterKeyName+previousSuffix))
	return append(keys, replaced...), err
}

// unfinishedAdvice is how people do again what a replay cannot.
var unfinishedAdvice = map[authority.EventKind]string{
	authority.APIKeyCreated:          "it has no secret: tokenwright key rotate %s --overlap 0",
	authority.SecretRotated:          "its newest secret is lost, and applications that use it are locked out: tokenwright key rotate %s",
	authority.UserCreated:            "it is lost; who it was, the database that was there knows: tokenwright user create",
	authority.UserReset:              "it has nothing to sign in with: tokenwright user reset %s",
	authority.UserUpdated:            "it has the name of before: tokenwright user update %s --name NAME",
	authority.UserCredentialsChanged: "it has nothing to sign in with: tokenwright user reset %s",
}

// restoredThing is something that a replay could not bring back, as JSON has it.
type restoredThing struct {
	Event      authority.EventKind  `json:"event"`
	Subject    string               `json:"subject"`
	MerchantID authority.MerchantID `json:"merchantId,omitempty"`
	Name       string               `json:"name,omitempty"`
	Advice     string               `json:"advice"`
}

func (a *app) printRestored(r *authority.Restored, how *authority.Restoration, kept string) error {
	unfinished := []restoredThing{}
	for _, u := range r.Unfinished {
		advice := unfinishedAdvice[u.Kind]
		if strings.Contains(advice, "%s") {
			advice = fmt.Sprintf(advice, u.Subject)
		}
		unfinished = append(unfinished, restoredThing{u.Kind, u.Subject, u.MerchantID, u.Name, advice})
	}
	known := authority.EventHead{Seq: r.Known.Seq, Hash: r.Known.Hash}
	out := map[string]any{
		"database": a.config.databaseName(), "from": r.From.String(), "replayed": r.Replayed, "known": known.String(), "knownUntil": r.Known.Time,
		"changesLost": how.ChangesLost, "lineage": r.Lineage.Number, "minGen": r.Lineage.MinGeneration, "unfinished": unfinished, "replaced": kept,
	}
	return a.print(out, func(w io.Writer) {
		fmt.Fprintf(w, "%s is restored as of event %d; %d later events were done again.\n", a.config.databaseName(), r.From.Seq, r.Replayed)
		fmt.Fprintf(w, "The last that is known is event %d of %s.\n", r.Known.Seq, when(r.Known.Time))
		fmt.Fprintln(w, "All access tokens issued so far are dead, and all sessions and links of users have ended.")
		if how.ChangesLost {
			fmt.Fprintln(w, "WHAT WAS DELETED, DISABLED OR SUSPENDED SINCE WORKS AGAIN: do it again now.")
			fmt.Fprintln(w, "All signing keys were replaced: gateways refuse new tokens until they read the JWKS again, for 5 minutes at most.")
			fmt.Fprintln(w, "Make a backup, and begin a new file of events: the one of before tells another history.")
		}
		if kept != "" {
			fmt.Fprintf(w, "The database that was there is %s. No server works on it any more.\n", kept)
		}
		for _, u := range unfinished {
			row(w, u.Event, u.Subject, u.MerchantID, u.Name, u.Advice)
		}
		fmt.Fprintln(w, "Start the servers.")
	})
}
