package authority_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

func TestFiguresTellOfTheDirectory(t *testing.T) { // C-350
	h := New(t)
	k := h.ready()
	f := h.Figures()
	head, err := h.store.EventHead(h.ctx)
	h.must(err)
	if f.EventSeq != head.Seq || f.APIKeys != 1 || f.Secrets != 1 {
		t.Errorf("figures %+v, want event %d, one API key with one secret", f, head.Seq)
	}
	if want := int64(64 + 48 + len("4259")); f.DirectoryBytes != want {
		t.Errorf("%d bytes, want %d", f.DirectoryBytes, want)
	}
	h.must(h.DeleteAPIKey(h.ctx, actor, k.ID, 0))
	after := h.Figures()
	if after.EventSeq != f.EventSeq+1 || after.APIKeys != 0 {
		t.Errorf("after a deletion: %+v", after)
	}
	if demo, production := after.Environments[0], after.Environments[1]; demo.Cutoffs != 1 || production.Cutoffs != 0 {
		t.Errorf("cut-offs listed: demo %d, production %d; want 1 and 0", demo.Cutoffs, production.Cutoffs)
	}
}

func TestFiguresTellOfSigningKeys(t *testing.T) { // C-350
	h := New(t)
	cfg := h.config
	cfg.SigningKeyRotation = 90 * 24 * time.Hour
	a := h.node(cfg)
	for i, env := range environments() {
		f := a.Figures().Environments[i]
		if f.Env != env.Name || f.SigningKeys[authority.SigningKeyActive] != 1 || f.SigningKeys[authority.SigningKeyAnnounced] != 1 {
			t.Errorf("figures of %s: %+v", env.Name, f)
		}
		if !f.ActivatedAt.Equal(started) || !f.RotatesAt.Equal(started.Add(cfg.SigningKeyRotation)) {
			t.Errorf("%s: active since %s, until %s", env.Name, f.ActivatedAt, f.RotatesAt)
		}
	}
	if at := h.Figures().Environments[0].RotatesAt; !at.IsZero() {
		t.Errorf("without rotation another key takes over at %s", at)
	}
	h.clock.advance(time.Hour)
	_, err := a.RotateSigningKey(h.ctx, actor, "demo")
	h.must(err)
	if f := a.Figures().Environments[0]; f.SigningKeys[authority.SigningKeyRetired] != 1 || !f.ActivatedAt.Equal(h.clock.now()) {
		t.Errorf("after a rotation: %+v", f)
	}
}

// unwritable is a store that takes no usage while down is set.
type unwritable struct {
	authority.Store
	down atomic.Bool
}

func (u *unwritable) AddUsage(ctx context.Context, uses []authority.Use, event func(authority.EventKind, *authority.Use, authority.MerchantID) *authority.Draft) error {
	if u.down.Load() {
		return errors.New("the disk is full")
	}
	return u.Store.AddUsage(ctx, uses, event)
}

func TestFiguresTellOfUsageThatIsNotWritten(t *testing.T) { // C-350
	h := New(t)
	k := h.ready()
	u := &unwritable{Store: h.store}
	u.down.Store(true)
	a := h.nodeOn(u)
	h.issue(a, k.request())
	if n := a.Figures().UsageWaiting; n != 1 {
		t.Errorf("%d counts wait, want 1", n)
	}
	keep(t, a, func() {
		eventually(t, "a failure", func() bool { f := taskOf(t, a, "writing usage"); return f.Failing && f.Failures > 0 })
		eventually(t, "another task is done", func() bool {
			f := taskOf(t, a, "removing revocations that have ended")
			return !f.Failing && f.Done > 0
		})
	})
	u.down.Store(false)
	keep(t, a, func() {
		eventually(t, "it works again", func() bool { f := taskOf(t, a, "writing usage"); return !f.Failing && f.Done > 0 })
	})
	if n := a.Figures().UsageWaiting; n != 0 {
		t.Errorf("%d counts wait, want 0", n)
	}
}

// keep does the tasks of a for as long as do takes.
func keep(t *testing.T, a *authority.Authority, do func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		a.Keep(ctx)
	}()
	defer func() { cancel(); <-ended }()
	do()
}

func taskOf(t *testing.T, a *authority.Authority, name string) authority.TaskFigures {
	t.Helper()
	for _, f := range a.Figures().Tasks {
		if f.Task == name {
			return f
		}
	}
	t.Fatalf("there is no task %q", name)
	return authority.TaskFigures{}
}

func TestFiguresTellThatTheStoreIsAway(t *testing.T) { // C-350
	t.Parallel() // it waits for polls
	h := New(t)
	f := &failing{Store: h.store}
	a := h.nodeOn(f)
	h.follow(a)
	f.down.Store(true)
	eventually(t, "errors are counted", func() bool { return a.Figures().FollowErrors > 1 })
	if n := a.Figures().Rereads; n != 0 {
		t.Errorf("read anew %d times", n)
	}
}
