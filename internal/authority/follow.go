package authority

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	pollInterval = 250 * time.Millisecond
	headInterval = time.Hour
	// changesBatch events or revocations are read at a time, leastBatch of a slow store.
	changesBatch, leastBatch = 1000, 10
)

// LoadDirectory reads the whole directory. Until it has succeeded once, no
// token is issued.
func (a *Authority) LoadDirectory(ctx context.Context) error {
	if err := a.following.lock(ctx); err != nil {
		return err
	}
	defer a.following.unlock()
	return a.load(ctx)
}

func (a *Authority) load(ctx context.Context) error {
	if err := a.compareClocks(ctx); err != nil {
		return err
	}
	started := a.clock()
	d := newDirectory(a.environments, a.root)
	building := make([]*shard, shardCount)
	err := a.store.Directory(ctx, func(s *DirectorySnapshot) error {
		d.lineage = s.Lineage
		d.moveTo(s.Head)
		d.catalog.Store(newCatalogue(s.Scopes))
		return d.loadSigningKeys(s.SigningKeys)
	}, func(k *DirectoryKey) error {
		n, random, err := placeOf(a.format, k.ClientID)
		if err != nil {
			return err
		}
		if building[n] == nil {
			building[n] = &shard{}
		}
		return d.add(building[n], k, random)
	})
	if err != nil {
		return fmt.Errorf("reading the directory: %w", err)
	}
	for n, s := range building {
		if s != nil {
			d.shards[n].Store(s.seal())
		}
	}
	if err := a.followRevocations(ctx, d); err != nil {
		return fmt.Errorf("reading the revocations: %w", err)
	}
	d.currentAt.Store(&started)
	a.directory.Store(d)
	a.news.tell()
	return nil
}

// Follow keeps the directory current until ctx is done: it asks the store again
// and again, and at once where the store tells of a change. The caller owns the
// goroutine it runs in.
func (a *Authority) Follow(ctx context.Context) {
	told := make(chan struct{}, 1)
	var listening sync.WaitGroup
	listening.Go(func() {
		a.store.Listen(ctx, func() {
			select {
			case told <- struct{}{}:
			default: // one is enough
			}
		})
	})
	defer listening.Wait()
	poll, head := time.NewTicker(pollInterval), time.NewTicker(headInterval)
	defer poll.Stop()
	defer head.Stop()
	failing := false
	a.logHead()
	for {
		select {
		case <-ctx.Done():
			a.logHead()
			return
		case <-head.C:
			a.logHead()
			continue
		case <-poll.C:
		case <-told:
		}
		err := a.catchUp(ctx)
		if err != nil && ctx.Err() == nil {
			a.counters.followErrors.Add(1)
		}
		if err != nil && !failing && ctx.Err() == nil {
			a.logger.Error("the directory cannot be kept current", "error", err)
		}
		if err == nil && failing {
			a.logger.Info("the directory is current again")
		}
		failing = err != nil
	}
}

// logHead notes the head of the event chain outside the database, so that
// `event verify --head` can tell when its tail was cut off.
func (a *Authority) logHead() {
	_ = a.following.lock(context.Background()) // it ends: whoever has it has limits
	head := a.directory.Load().head
	a.following.unlock()
	a.logger.Info("event head", "seq", head.Seq, "hash", hex.EncodeToString(head.Hash))
}

// reading is one time of bringing the directory up to date, for all who asked before
// it began: of a slow database, each would wait for those of all before.
type reading struct {
	over chan struct{} // closed once err says how it went
	err  error
}

// catchUp applies every event there is. A management call returns only after
// it, so that its change acts on this node from then on. Without a directory
// (a management command) there is nothing to do.
func (a *Authority) catchUp(ctx context.Context) error {
	if a.directory.Load() == nil {
		return nil
	}
	r := a.nextReading(ctx)
	select {
	case <-r.over:
		return r.err
	case <-ctx.Done():
		return fmt.Errorf("waiting to follow the events: %w", ctx.Err())
	}
}

// nextReading returns the reading that has not begun. It goes on when ctx is done,
// for others wait for it too; the store has limits, so it ends.
func (a *Authority) nextReading(ctx context.Context) *reading {
	for {
		r := &reading{over: make(chan struct{})}
		if a.next.CompareAndSwap(nil, r) {
			go func() {
				r.err = a.bringUpToDate(context.WithoutCancel(ctx))
				close(r.over)
			}()
			return r
		}
		if r = a.next.Load(); r != nil {
			return r
		}
	}
}

// bringUpToDate is the next reading, behind the one before.
func (a *Authority) bringUpToDate(ctx context.Context) error {
	_ = a.following.lock(ctx) // it ends: whoever has it has limits
	defer a.following.unlock()
	a.next.Store(nil) // what is changed from here on, it may miss
	d := a.directory.Load()
	if current, err := a.isCurrent(ctx, d); err != nil || current {
		return a.moved(d, err)
	}
	revoked := d.revokedTo.Load()
	var started time.Time
	var err error
	for more := true; more && err == nil; {
		started = a.clock()
		if more, err = a.applyChanges(ctx, d); err == nil && !more { // behind the events: a cut-off is one as well
			err = a.followRevocations(ctx, d)
		}
	}
	if d.revokedTo.Load() != revoked {
		a.news.tell()
	}
	switch {
	case errors.Is(err, ErrDiverged):
		// Failover or restore: what this node knows may never have
		// happened. It says nothing until it has read everything anew.
		a.directory.Store(newDirectory(a.environments, a.root))
		a.counters.rereads.Add(1)
		a.logger.Error("the database has another history; reading it anew", "seq", d.head.Seq)
		return a.load(ctx)
	case err != nil:
		a.batch = max(leastBatch, a.batch/10) // of a slow database, fewer come within the limit
		return a.moved(d, fmt.Errorf("following the events: %w", err))
	}
	a.batch = min(2*a.batch, changesBatch)
	d.currentAt.Store(&started)
	return nil
}

// applyChanges brings in the next events, and tells whether there may be more.
func (a *Authority) applyChanges(ctx context.Context, d *directory) (more bool, err error) {
	changes, err := a.store.Changes(ctx, d.head, a.batch)
	if err == nil {
		err = d.apply(changes, a.format)
	}
	return err == nil && changes.More, err
}

// moved gives up the directory where err says that the installation was moved:
// what becomes of it is decided elsewhere from then on.
func (a *Authority) moved(d *directory, err error) error {
	if errors.Is(err, ErrMoved) && d.currentAt.Load() != nil {
		left := newDirectory(a.environments, a.root)
		left.lineage, left.head, left.moved = d.lineage, d.head, true
		a.directory.Store(left)
		a.news.tell()
	}
	return err
}

// isCurrent asks how far the changes have come, and tells whether d is there
// already.
func (a *Authority) isCurrent(ctx context.Context, d *directory) (bool, error) {
	started := a.clock()
	p, err := a.store.Position(ctx)
	if err != nil {
		return false, fmt.Errorf("asking for changes: %w", err)
	}
	same := p.Event.Seq == d.head.Seq && bytes.Equal(p.Event.Hash, d.head.Hash) && p.Revocation == d.revokedTo.Load() &&
		(p.LastRevocation == d.last || p.LastRevocation == Revocation{}) // that one may be swept
	if same {
		d.pruneRevocations(a.passed())
		d.currentAt.Store(&started)
	}
	return same, nil
}

// mutex is a sync.Mutex that is waited for no longer than a context lasts. Make
// it with newMutex.
type mutex chan struct{}

func newMutex() mutex { return make(mutex, 1) }

func (m mutex) lock(ctx context.Context) error {
	select {
	case m <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (m mutex) unlock() { <-m }

// Ready returns nil while tokens can be issued, else why not.
func (a *Authority) Ready() error {
	_, err := a.current(a.clock())
	return err
}

// current returns the directory where it may be relied on at now.
func (a *Authority) current(now time.Time) (*directory, error) {
	d := a.directory.Load()
	if d == nil {
		return nil, fmt.Errorf("%w: it is not read yet", ErrStale)
	}
	at := d.currentAt.Load()
	if d.moved {
		return nil, fmt.Errorf("%w: %w", ErrStale, ErrMoved)
	}
	if at == nil {
		return nil, fmt.Errorf("%w: it is being read anew", ErrStale)
	}
	if age := now.Sub(*at); age > a.maxStaleness {
		return nil, fmt.Errorf("%w: the database has not answered for %s", ErrStale, age.Truncate(time.Second))
	}
	return d, nil
}

// Staleness tells how long ago the directory agreed with the store.
func (a *Authority) Staleness() time.Duration {
	if d := a.directory.Load(); d != nil && d.currentAt.Load() != nil {
		return a.clock().Sub(*d.currentAt.Load())
	}
	return -1
}
