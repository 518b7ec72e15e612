package observe

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/postgrestest"
	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
)

// scenario is something that goes wrong: what provokes alerts, and what ends them.
type scenario struct {
	name   string
	alerts []string
	how    string // the cause, and what was done about it
	full   bool   // only under make runbooks
	try    func(*testing.T, *watch)
}

// scenarios are how every runbook was tried. None has metrics of its own making: a
// real server is brought into trouble, and led out of it as its runbook says.
var scenarios = []scenario{
	{name: "a node is killed", alerts: []string{"TokenwrightDown"}, how: "SIGKILL; it is started again", try: nodeIsKilled},
	{name: "the database is away", alerts: []string{"TokenwrightNotReady", "TokenwrightNoNodeReady", "TokenwrightDirectoryStale", "TokenwrightTokensEndSoon",
		"TokenwrightServerErrors", "TokenwrightGatewayCheckUnavailable"},
		how: "PostgreSQL is stopped while a node starts, and started; then stands still for longer than max_staleness, and goes on", try: databaseIsAway},
	{name: "the database goes back in time", alerts: []string{"TokenwrightOtherHistory"},
		how: "an older copy of PostgreSQL's files takes their place; restore --finish --replay", try: databaseGoesBack},
	{name: "changes wait", alerts: []string{"TokenwrightDatabasePoolExhausted"},
		how: "a forgotten transaction in psql holds the event counter; it is found in pg_stat_activity and ended", try: changesWait},
	{name: "rights are missing", alerts: []string{"TokenwrightSigningKeyOverdue", "TokenwrightNoNextSigningKey", "TokenwrightUsageNotWritten", "TokenwrightTaskFailing"},
		how: "the role of the node may not write into three tables; and a trigger refuses announced signing keys. GRANT; the trigger is dropped", try: rightsAreMissing},
	{name: "applications err", alerts: []string{"TokenwrightRefusals", "TokenwrightLimitReached"},
		how: "one has an old secret and gets the new one; another asks for a token with each request, and stops", try: applicationsErr},
	{name: "the processor is taken away", alerts: []string{"TokenwrightTokensSlow"},
		how: "the process is stopped for 90 ms of every 100, as by a limit of CPU", try: processorIsTaken},
	{name: "a receiver fails", alerts: []string{"TokenwrightWebhookGivenUp", "TokenwrightWebhookBehind"},
		how: "a webhook's receiver answers 500, while the times of further attempts are brought forward in the database; it is mended", try: receiverFails},
	{name: "a mail server refuses", alerts: []string{"TokenwrightMailGivenUp"}, how: "it answers 550 for an administrator, and takes the next notice", try: mailIsRefused},
	{name: "a certificate ends", alerts: []string{"TokenwrightCertificateEnds"}, how: "it has a day left; the files are replaced", try: certificateEnds},
	{name: "the issuer is away from a gateway", alerts: []string{"TokenwrightFeedLag"}, how: "the server is stopped beside forward-auth, and started again", try: issuerIsAway},
	{name: "a clock is ahead", alerts: []string{"TokenwrightClockSkew"}, full: true,
		how: "a build whose clock is seven seconds ahead; the usual one takes its place", try: clockIsAhead},
}

// Times that a test cannot wait for: what stands in an expression, and what is asked
// in its place. Those of an hour are shortened under make runbooks as well.
var (
	hours    = []string{"[1h]", "[30s]", "> 3600", "> 3"}
	shortens = []string{"[5m]", "[15s]", "> 120", "> 8", "> 1000", "> 20"}
)

// C-555: the condition of every alert was met by the real cause, seen by Prometheus on
// the metrics of a real server, and ended by what the runbook says.
func TestEveryRunbookWasTried(t *testing.T) {
	t.Parallel()
	harness.Need(t, "prometheus", "openssl", "sqlite3", "psql")
	rules := alerts(t)
	for _, a := range rules {
		if n := count(a.name); n != 1 {
			t.Errorf("%s is tried by %d scenarios", a.name, n)
		}
	}
	p, pg := prometheusOfTargets(t), postgrestest.Start(t, "fsync=off")
	t.Run("scenarios", func(t *testing.T) {
		for i, s := range scenarios {
			if s.full && !evidence.Full() {
				continue
			}
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				w := &watch{prometheus: p, postgres: pg, rules: rules, job: fmt.Sprintf("tokenwright-%d", i), scenario: s, state: map[string]string{}}
				s.try(t, w)
				for _, name := range s.alerts {
					if w.state[name] != "over" && !t.Failed() {
						t.Errorf("%s was not tried to its end: %q", name, w.state[name])
					}
				}
			})
		}
	})
}

// count is how many scenarios try an alert.
func count(alert string) (n int) {
	for _, s := range scenarios {
		if slices.Contains(s.alerts, alert) {
			n++
		}
	}
	return n
}

// C-555: who tries what is what there is; a scenario of an alert that was renamed tries nothing.
func TestScenariosAreOfAlertsThatExist(t *testing.T) {
	rules := alerts(t)
	for _, s := range scenarios {
		for _, name := range s.alerts {
			if !slices.ContainsFunc(rules, func(a alert) bool { return a.name == name }) {
				t.Errorf("%s: there is no alert %s", s.name, name)
			}
		}
		if s.how == "" || len(s.alerts) == 0 {
			t.Errorf("%s does not say what it tries", s.name)
		}
	}
	for i := 0; i < len(hours)+len(shortens); i += 2 {
		old := append(slices.Clone(hours), shortens...)[i]
		if !slices.ContainsFunc(rules, func(a alert) bool { return strings.Contains(a.expression, old) }) {
			t.Errorf("no expression has %s, which is shortened", old)
		}
	}
}

// prometheusOfTargets runs one Prometheus for all scenarios, which finds its targets in files.
func prometheusOfTargets(t *testing.T) *prometheus {
	t.Helper()
	dir, in := t.TempDir(), harness.New(t)
	config := filepath.Join(dir, "prometheus.yml")
	text := fmt.Sprintf("global: {scrape_interval: 1s}\nscrape_configs:\n  - job_name: tokenwright\n    file_sd_configs:\n      - {files: [%q], refresh_interval: 1s}\n",
		filepath.Join(dir, "targets-*.json"))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := &prometheus{&harness.Server{Installation: in}, fmt.Sprintf("127.0.0.1:%d", harness.FreePort(t)), dir}
	in.Background(t, "prometheus", exec.Command(harness.FindProgram(t, "prometheus"), "--config.file", config,
		"--storage.tsdb.path", filepath.Join(dir, "data"), "--web.listen-address", p.address, "--log.level", "warn"))
	p.await(t)
	return p
}

// watch is what Prometheus sees of one scenario: the targets with its job.
type watch struct {
	*prometheus
	postgres *postgrestest.Server // of all scenarios that leave it as it is
	rules    []alert
	job      string
	scenario scenario
	state    map[string]string // of each alert: "", "begun", "over"

	mu      sync.Mutex
	targets []string
}

const sees = 90 * time.Second // with the alerts' own windows it takes as long as those are

// patience is how long to wait for an alert to begin or to end.
func patience() time.Duration {
	if evidence.Full() {
		return 10 * time.Minute
	}
	return sees
}

// scrape has Prometheus scrape the metrics of a server, and returns once it does. None of
// the scenario's alerts may be there yet, but for those that the server is born with.
func (w *watch) scrape(t *testing.T, metricsURL string) {
	t.Helper()
	target := strings.TrimSuffix(strings.TrimPrefix(metricsURL, "http://"), "/metrics")
	w.mu.Lock()
	w.targets = append(w.targets, target)
	list, err := json.Marshal([]map[string]any{{"targets": w.targets, "labels": map[string]string{"job": w.job}}})
	w.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(w.dir, "targets-"+w.job+".json")
	if err := os.WriteFile(file+".new", list, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
	eventually(t, sees, "Prometheus scrapes "+target, func() bool {
		return len(w.query(t, fmt.Sprintf(`up{job=%q,instance=%q} == 1`, w.job, target))) == 1
	})
}

// eventually is harness.Eventually for what takes seconds: it asks Prometheus four times
// a second, which a dozen scenarios do at once.
func eventually(t *testing.T, within time.Duration, what string, so func() bool) {
	t.Helper()
	harness.Eventually(t, within, what, func() bool {
		if so() {
			return true
		}
		<-time.After(250 * time.Millisecond)
		return false
	})
}

// quiet holds that no alert of the scenario is there before it begins.
func (w *watch) quiet(t *testing.T) {
	t.Helper()
	for _, name := range w.scenario.alerts {
		if some, _ := w.met(t, name); some {
			t.Errorf("%s: its condition is met before anything has happened", name)
		}
	}
}

// met tells whether some, and whether all, of the expressions of an alert have a result in
// this scenario: an alert may have one for each severity.
func (w *watch) met(t *testing.T, name string) (some, all bool) {
	t.Helper()
	all = true
	for _, a := range w.rules {
		if a.name != name {
			continue
		}
		pairs := slices.Clone(hours)
		if !evidence.Full() {
			pairs = append(pairs, shortens...)
		}
		found := slices.Contains(w.jobs(t, strings.NewReplacer(pairs...).Replace(strings.TrimPrefix(strings.TrimSpace(a.expression), "|"))), w.job)
		some, all = some || found, all && found
	}
	return some, all
}

// jobs are those of the results of an instant query. A number that is no number is none.
func (w *watch) jobs(t *testing.T, expression string) (list []string) {
	t.Helper()
	var data struct {
		Result []struct{ Metric struct{ Job string } }
	}
	w.get(t, "/api/v1/query?query="+url.QueryEscape(expression), &data)
	for _, r := range data.Result {
		list = append(list, r.Metric.Job)
	}
	return list
}

// begins waits until the condition of an alert is met. It is not waited for the time that
// it must last: what comes of that, the tests of the rules hold.
func (w *watch) begins(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		eventually(t, patience(), name+" begins", func() bool { _, all := w.met(t, name); return all })
		w.state[name] = "begun"
	}
}

// ends waits until the condition of an alert that had begun is not met any more.
func (w *watch) ends(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		if w.state[name] != "begun" {
			t.Fatalf("%s ends and had not begun", name)
		}
		eventually(t, patience(), name+" is over", func() bool { some, _ := w.met(t, name); return !some })
		w.state[name] = "over"
	}
}

// logs waits for a record: what a runbook says to look for.
func logs(t *testing.T, s *harness.Server, message string) {
	t.Helper()
	eventually(t, sees, "the log says: "+message, func() bool { return len(s.Records(t, message)) > 0 })
}
