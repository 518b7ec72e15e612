package authority

import (
	"sync/atomic"
	"time"
	"unsafe"
)

// Figures is the state of an Authority in numbers, for whoever watches a
// server, beside Staleness. Until the directory has been read it says nothing of it.
type Figures struct {
	// EventSeq is the number of the last event in the directory.
	EventSeq int64
	// Rereads is how often the directory was read anew since the store had
	// another history; FollowErrors how often it could not be brought up to date.
	Rereads, FollowErrors int64

	APIKeys, Secrets int
	DirectoryBytes   int64 // of the entries of API keys and secrets

	// UsageWaiting is how many counts of uses wait to be written down.
	UsageWaiting int

	Environments []EnvironmentFigures // in the order of Environments
	Tasks        []TaskFigures
}

// EnvironmentFigures is the state of one environment.
type EnvironmentFigures struct {
	Env string
	// What the revocation feed lists.
	RevokedTokens, Cutoffs, RevokedSigningKeys int
	// SigningKeys counts those that are published.
	SigningKeys map[SigningKeyStatus]int
	// ActivatedAt is since when the active one signs; RotatesAt when another one
	// is to take over, zero for never.
	ActivatedAt, RotatesAt time.Time
}

// TaskFigures is how it goes with what a server does beside answering.
type TaskFigures struct {
	Task           string // as the log calls it
	Done, Failures int64
	Failing        bool // the last time
}

// counters are what Figures tells of the past. The zero value is ready.
type counters struct {
	rereads, followErrors atomic.Int64

	tasks map[string]*taskCounters // by task.what; fixed from the start
}

type taskCounters struct {
	done, failures atomic.Int64
	failing        atomic.Bool
}

func (c *taskCounters) count(err error) {
	c.failing.Store(err != nil)
	if err != nil {
		c.failures.Add(1)
		return
	}
	c.done.Add(1)
}

func countersOf(tasks []task) map[string]*taskCounters {
	m := make(map[string]*taskCounters, len(tasks))
	for _, t := range tasks {
		m[t.what] = &taskCounters{}
	}
	return m
}

// Figures asks nobody. With a million API keys it takes less than a millisecond.
func (a *Authority) Figures() Figures {
	f := Figures{
		Rereads: a.counters.rereads.Load(), FollowErrors: a.counters.followErrors.Load(), UsageWaiting: a.usage.waiting(),
	}
	for _, t := range a.tasks() {
		c := a.counters.tasks[t.what]
		f.Tasks = append(f.Tasks, TaskFigures{Task: t.what, Done: c.done.Load(), Failures: c.failures.Load(), Failing: c.failing.Load()})
	}
	d := a.directory.Load()
	if d == nil || d.currentAt.Load() == nil {
		return f
	}
	f.EventSeq = d.seq.Load()
	d.countInto(&f)
	keys := *d.signingKeys.Load()
	for i := range d.environments {
		f.Environments = append(f.Environments, a.figuresOf(d.environments[i].Name, d.revoked[i].content(), keys))
	}
	return f
}

func (a *Authority) figuresOf(env string, revoked content, keys []SigningKey) EnvironmentFigures {
	f := EnvironmentFigures{
		Env: env, RevokedTokens: len(revoked.tokens), Cutoffs: len(revoked.cutoffs), RevokedSigningKeys: len(revoked.keys),
		SigningKeys: map[SigningKeyStatus]int{}, RotatesAt: a.RotatesAt(keys, env),
	}
	for _, k := range keyringOf(keys, env) {
		f.SigningKeys[k.Status]++
		if k.Status == SigningKeyActive {
			f.ActivatedAt = k.ActivatedAt
		}
	}
	return f
}

// countInto adds up what the shards hold.
func (d *directory) countInto(f *Figures) {
	for i := range d.shards {
		s := d.shards[i].Load()
		if s == nil {
			continue
		}
		f.APIKeys += len(s.keys)
		f.Secrets += len(s.secrets)
		f.DirectoryBytes += int64(len(s.text))
	}
	f.DirectoryBytes += int64(f.APIKeys)*int64(unsafe.Sizeof(keyEntry{})) + int64(f.Secrets)*int64(unsafe.Sizeof(secretEntry{}))
}

// publicHalves are the signing keys that are published, without their private keys.
func publicHalves(keys []SigningKey) []SigningKey {
	var list []SigningKey
	for _, k := range keys {
		if k.Status.published() {
			k.Sealed = nil
			list = append(list, k)
		}
	}
	return list
}
