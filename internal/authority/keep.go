package authority

import (
	"context"
	"sync"
	"time"
)

// task is something that is done again and again.
type task struct {
	what  string
	every time.Duration
	do    func(context.Context) error
}

// tasks are what time asks for. Every node does them: each can be done by
// several at once.
func (a *Authority) tasks() []task {
	tasks := []task{
		{"removing revocations that have ended", time.Minute, a.SweepRevocations},
		{"writing usage", usageInterval, a.FlushUsage},
		{"deleting old usage", time.Hour, a.SweepUsage},
		{"removing answers that were kept", time.Minute, a.SweepReplies},
		{"announcing what ends soon", time.Hour, a.NotifyExpiries},
		{"tending the signing keys", time.Second, a.TendSigningKeys},
		{"comparing clocks", clockInterval, a.compareClocks},
	}
	if a.self.NodeInfo != (NodeInfo{}) {
		tasks = append(tasks, task{"telling of this node", nodeInterval, a.tellOfNode})
	}
	return tasks
}

// Keep does what time asks for until ctx is done, which is to be after the last
// request is answered; then it writes usage down once more, and takes the node
// from the list. The caller owns the
// goroutine it runs in.
func (a *Authority) Keep(ctx context.Context) {
	var running sync.WaitGroup
	for _, t := range a.tasks() {
		running.Go(func() { a.keepDoing(ctx, t) })
	}
	running.Wait()
	a.flushAtEnd(context.WithoutCancel(ctx))
}

// flushAtEnd writes down what was counted since the last time, or by requests
// that were answered while the server ended, and says that this node is gone.
func (a *Authority) flushAtEnd(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, endTimeout)
	defer cancel()
	if err := a.FlushUsage(ctx); err != nil {
		a.logger.Error("the last usage is not written", "error", err)
	}
	if a.self.NodeInfo == (NodeInfo{}) {
		return
	}
	if err := a.store.RemoveNode(ctx, a.self.ID); err != nil {
		a.logger.Error("this node stays in the list of nodes", "node", a.self.ID, "error", err)
	}
}

// keepDoing does t at once and then in its interval. That it fails is told
// once, until it works again.
func (a *Authority) keepDoing(ctx context.Context, t task) {
	failing := false
	for {
		began := time.Now()
		err := t.do(ctx)
		if ctx.Err() != nil {
			return
		}
		a.counters.tasks[t.what].count(err)
		if err != nil && !failing {
			a.logger.Error(t.what+" failed", "error", err)
		}
		if err == nil && failing {
			a.logger.Info(t.what + " works again")
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-time.After(t.pause(time.Since(began), failing)):
		}
	}
}

// pause is how long to wait after a time that took so long: no task takes more
// than a twentieth of the time, however much there is to do, but for those that
// have waited for a minute. What failed is tried again after a minute at most: a
// moment without a database must not cost an hour.
func (t *task) pause(took time.Duration, failed bool) time.Duration {
	every := t.every
	if failed {
		every = min(every, time.Minute)
	}
	return max(every, min(19*took, time.Minute))
}
