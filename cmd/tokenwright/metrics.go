package main

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/store"
)

// state hands the state of a node to Prometheus: what it knows is read when it
// is asked for, at one moment, and costs requests nothing. /docs/metrics says
// what each metric means.
type state struct {
	auth         *authority.Authority
	store        *store.Store
	maxStaleness time.Duration
	descs        map[string]*prometheus.Desc // by name
}

func newState(auth *authority.Authority, st *store.Store, maxStaleness time.Duration) *state {
	s := &state{auth: auth, store: st, maxStaleness: maxStaleness, descs: map[string]*prometheus.Desc{}}
	for _, m := range []struct {
		name, help string
		labels     []string
	}{
		{"directory_age_seconds", "Time since the directory last agreed with the database; -1 while it is read.", nil},
		{"directory_max_staleness_seconds", "Age of the directory at which this node stops issuing tokens, as configured.", nil},
		{"directory_api_keys", "API keys in the directory.", nil},
		{"directory_secrets", "Secrets in the directory.", nil},
		{"directory_bytes", "Memory of the directory's entries of API keys and secrets.", nil},
		{"directory_event_seq", "Number of the last event that is in the directory.", nil},
		{"directory_rereads_total", "Times that the directory was read anew because the database had another history.", nil},
		{"directory_errors_total", "Times that the directory could not be brought up to date.", nil},
		{"revocations_age_seconds", "Time since what is known of revocations was complete; -1 while it is read.", nil},
		{"revocations", "What the revocation feed lists, by environment and kind.", []string{"env", "kind"}},
		{"signing_keys", "Published signing keys, by environment and status.", []string{"env", "status"}},
		{"signing_key_activated_timestamp_seconds", "Since when the active signing key signs, as Unix time.", []string{"env"}},
		{"signing_key_rotation_timestamp_seconds", "When another signing key is to take over, as Unix time; absent for never.", []string{"env"}},
		{"usage_waiting", "Counts of uses of API keys that wait to be written.", nil},
		{"task_runs_total", "Runs of what the server does beside answering, by task and outcome.", []string{"task", "outcome"}},
		{"task_failing", "1 where the last run of the task failed, else 0.", []string{"task"}},
		{"database_clock_skew_seconds", "How far the clock of this machine is before that of the database.", nil},
		{"database_connections", "Connections to the database, by pool and state.", []string{"pool", "state"}},
		{"database_connections_max", "Connections that a pool may have at most.", []string{"pool"}},
		{"database_waits_total", "Times that a connection of a pool was waited for, or the change before.", []string{"pool"}},
		{"database_wait_seconds_total", "Time that was spent waiting for a connection of a pool, or for the change before.", []string{"pool"}},
	} {
		s.descs[m.name] = prometheus.NewDesc("tokenwright_"+m.name, m.help, m.labels, nil)
	}
	return s
}

// Describe implements prometheus.Collector.
func (s *state) Describe(to chan<- *prometheus.Desc) {
	for _, d := range s.descs {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (s *state) Collect(to chan<- prometheus.Metric) {
	put := func(name string, value float64, labels ...string) {
		kind := prometheus.GaugeValue
		if strings.HasSuffix(name, "_total") {
			kind = prometheus.CounterValue
		}
		to <- prometheus.MustNewConstMetric(s.descs[name], kind, value, labels...)
	}
	f := s.auth.Figures()
	s.putDirectory(put, &f)
	for i := range f.Environments {
		putEnvironment(put, &f.Environments[i])
	}
	put("database_clock_skew_seconds", s.auth.ClockSkew().Seconds())
	put("usage_waiting", float64(f.UsageWaiting))
	for i := range f.Tasks {
		putTask(put, &f.Tasks[i])
	}
	for _, p := range s.store.Pools() {
		if p.Max > 0 {
			put("database_connections", float64(p.InUse), p.Name, "in_use")
			put("database_connections", float64(p.Idle), p.Name, "idle")
			put("database_connections_max", float64(p.Max), p.Name)
		}
		put("database_waits_total", float64(p.Waits), p.Name)
		put("database_wait_seconds_total", p.Waited.Seconds(), p.Name)
	}
}

func putTask(put putMetric, f *authority.TaskFigures) {
	name, failing := strings.ReplaceAll(f.Task, " ", "_"), 0.0
	if f.Failing {
		failing = 1
	}
	put("task_runs_total", float64(f.Done), name, "done")
	put("task_runs_total", float64(f.Failures), name, "failed")
	put("task_failing", failing, name)
}

type putMetric func(name string, value float64, labels ...string)

func (s *state) putDirectory(put putMetric, f *authority.Figures) {
	age := s.auth.Staleness().Seconds()
	if age < 0 {
		age = -1
	}
	put("directory_age_seconds", age)
	// A feed is complete up to when the directory was current: here the two are
	// one, and the command forward-auth has the second alone.
	put("revocations_age_seconds", age)
	put("directory_max_staleness_seconds", s.maxStaleness.Seconds())
	put("directory_api_keys", float64(f.APIKeys))
	put("directory_secrets", float64(f.Secrets))
	put("directory_bytes", float64(f.DirectoryBytes))
	put("directory_event_seq", float64(f.EventSeq))
	put("directory_rereads_total", float64(f.Rereads))
	put("directory_errors_total", float64(f.FollowErrors))
}

func putEnvironment(put putMetric, f *authority.EnvironmentFigures) {
	put("revocations", float64(f.RevokedTokens), f.Env, "token")
	put("revocations", float64(f.Cutoffs), f.Env, "cutoff")
	put("revocations", float64(f.RevokedSigningKeys), f.Env, "signing_key")
	for _, status := range []authority.SigningKeyStatus{authority.SigningKeyAnnounced, authority.SigningKeyActive, authority.SigningKeyRetired} {
		put("signing_keys", float64(f.SigningKeys[status]), f.Env, string(status))
	}
	put("signing_key_activated_timestamp_seconds", float64(f.ActivatedAt.Unix()), f.Env)
	if !f.RotatesAt.IsZero() {
		put("signing_key_rotation_timestamp_seconds", float64(f.RotatesAt.Unix()), f.Env)
	}
}
