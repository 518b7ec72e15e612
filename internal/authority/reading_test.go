package authority_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// slow is a store that answers when it is let, and gives no more at a time than
// most.
type slow struct {
	authority.Store
	asked   chan struct{} // how far the changes are
	answer  chan struct{}
	most    atomic.Int64
	largest atomic.Int64 // that was wanted of late
}

func (s *slow) Position(ctx context.Context) (authority.Position, error) {
	if s.asked != nil {
		s.asked <- struct{}{}
		<-s.answer
	}
	return s.Store.Position(ctx)
}

func (s *slow) Changes(ctx context.Context, after authority.EventHead, limit int) (*authority.DirectoryChanges, error) {
	s.largest.Store(int64(limit))
	if int64(limit) > s.most.Load() {
		return nil, fmt.Errorf("reading: %w", context.DeadlineExceeded)
	}
	return s.Store.Changes(ctx, after, limit)
}

func (s *slow) Revocations(ctx context.Context, after int64, limit int) ([]authority.Revocation, int64, error) {
	if int64(limit) > s.most.Load()+1 { // the last one known is read again
		return nil, 0, fmt.Errorf("reading: %w", context.DeadlineExceeded)
	}
	return s.Store.Revocations(ctx, after, limit)
}

// behind is a node on a slow store, which does not follow by itself what is done at
// the other one.
func behind(t *testing.T) (h *harness, k *key, s *slow, node *authority.Authority) {
	t.Helper()
	h = New(t)
	k = h.ready()
	s = &slow{Store: h.open()}
	s.most.Store(2000) // more than is ever wanted
	return h, k, s, h.nodeOn(s)
}

// waiting tells once that somebody waits for it to be done.
type waiting struct {
	context.Context
	begun chan struct{}
}

func (w waiting) Done() <-chan struct{} {
	w.begun <- struct{}{}
	return w.Context.Done()
}

// C-559: all who wait until changes act are served by one reading that began
// behind them, and who gives up ends it for none of the others.
func TestOneReadingServesAllWhoWaitForChanges(t *testing.T) {
	h, k, s, node := behind(t)
	h.must(errorOf(h.DisableAPIKey(h.ctx, actor, k.ID, 0)))
	s.asked, s.answer = make(chan struct{}), make(chan struct{})

	begun := make(chan struct{})
	ask := func(ctx context.Context) chan error {
		done := make(chan error, 1)
		go func() { done <- node.CatchUp(waiting{ctx, begun}) }()
		<-begun
		return done
	}
	early := ask(h.ctx)
	<-s.asked // the first reading is under way
	impatient, leave := context.WithCancel(h.ctx)
	gone := ask(impatient) // for whom the second one is to be
	var others []chan error
	for range 20 {
		others = append(others, ask(h.ctx))
	}
	leave()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("who gave up: %v", err)
	}
	h.refused(h.Authority, k.request(), authority.KeyDisabled)
	s.answer <- struct{}{}
	h.must(<-early)
	<-s.asked
	s.answer <- struct{}{}
	for _, other := range others {
		h.must(<-other)
	}
	h.refused(node, k.request(), authority.KeyDisabled)
	select {
	case <-s.asked:
		t.Error("it is read a third time")
	default:
	}
}

// C-559: a store that cannot give much within its limit is followed nevertheless,
// in steps that are as large again once they can be.
func TestWhatIsTooMuchAtOnceIsFollowedInSteps(t *testing.T) {
	h, k, s, node := behind(t)
	tokens := make([]authority.Token, 40)
	for i := range tokens {
		tokens[i], _ = h.issue(h.Authority, k.request())
	}
	steps := func(most int64) (n int) {
		t.Helper()
		s.most.Store(most)
		for err := errors.New("not yet"); err != nil; n++ {
			if n == 10 {
				t.Fatalf("after %d readings of %d at most: %v", n, most, err)
			}
			err = node.CatchUp(h.ctx)
		}
		return n
	}
	for i := range tokens {
		h.revoke(h.Authority, k, tokens[i])
		h.scope(fmt.Sprintf("step%d:read", i))
	}
	if n := steps(10); n < 2 {
		t.Error("much was read at once")
	}
	for i := range tokens {
		if !h.dead(node, tokens[i]) {
			t.Errorf("token %d is alive", i)
		}
	}
	for i := range 12 {
		h.scope(fmt.Sprintf("more%d:read", i))
		steps(2000)
	}
	if n := s.largest.Load(); n != 1000 {
		t.Errorf("%d are read at a time", n)
	}
}
