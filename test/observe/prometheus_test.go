package observe

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/harness"
)

// prometheus is Debian's, with the example's configuration.
type prometheus struct {
	*harness.Server
	address string
	dir     string // of its configuration
}

// startPrometheus lets it scrape s and a node that is not there.
func startPrometheus(t *testing.T, s *harness.Server) *prometheus {
	t.Helper()
	program := harness.FindProgram(t, "prometheus")
	dir := t.TempDir()
	rules := harness.ReadFile(t, "deploy", "prometheus", "alerts.yml")
	config := harness.ReadFile(t, "deploy", "prometheus", "prometheus.yml")
	target := strings.TrimSuffix(strings.TrimPrefix(s.MetricsURL, "http://"), "/metrics")
	for old, text := range map[string]string{
		"10.0.0.11:9464": target, "10.0.0.12:9464": fmt.Sprintf("127.0.0.1:%d", harness.FreePort(t)),
		"10.0.1.21:9465":       fmt.Sprintf("127.0.0.1:%d", harness.FreePort(t)),
		"scrape_interval: 15s": "scrape_interval: 1s", "evaluation_interval: 15s": "evaluation_interval: 1s",
	} {
		if strings.Count(config, old) != 1 {
			t.Fatalf("the example of a configuration has not one %q", old)
		}
		config = strings.Replace(config, old, text, 1)
	}
	for name, text := range map[string]string{"prometheus.yml": config, "alerts.yml": rules} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := &prometheus{s, fmt.Sprintf("127.0.0.1:%d", harness.FreePort(t)), dir}
	s.Background(t, "prometheus", exec.Command(program, "--config.file", filepath.Join(dir, "prometheus.yml"),
		"--storage.tsdb.path", filepath.Join(dir, "data"), "--web.listen-address", p.address, "--log.level", "warn"))
	p.await(t)
	return p
}

func (p *prometheus) await(t *testing.T) {
	t.Helper()
	harness.Eventually(t, time.Minute, "Prometheus is ready", func() bool {
		r := harness.NewRequest(t, "GET", "http://"+p.address+"/-/ready", "")
		a, err := p.Attempt(r)
		return err == nil && a.Status == 200
	})
}

// get reads what an address of the API answers into data.
func (p *prometheus) get(t *testing.T, path string, data any) {
	t.Helper()
	a := p.Get(t, "http://"+p.address+path)
	var envelope struct {
		Status string          `json:"status"`
		Data   json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(a.Body, &envelope); err != nil || envelope.Status != "success" {
		t.Fatalf("%s: %v\n%s", path, err, a.Body)
	}
	if err := json.Unmarshal(envelope.Data, data); err != nil {
		t.Fatal(err)
	}
}

// query returns the values of an instant query.
func (p *prometheus) query(t *testing.T, expression string) (values []string) {
	t.Helper()
	var data struct {
		Result []struct {
			Value [2]any `json:"value"` // time and text
		} `json:"result"`
	}
	p.get(t, "/api/v1/query?query="+url.QueryEscape(expression), &data)
	for _, r := range data.Result {
		values = append(values, fmt.Sprint(r.Value[1]))
	}
	return values
}

func TestPrometheusReadsHowManyTokensWereIssued(t *testing.T) { // C-353
	t.Parallel()
	harness.Need(t, "prometheus")
	s, key := harness.StartWithKey(t, "demo")
	p := startPrometheus(t, s)
	for range 7 {
		s.Token(t, key)
	}
	want := fmt.Sprint(s.Metric(t, "tokenwright_tokens_issued_total"))
	issued := `sum by (job) (tokenwright_tokens_issued_total{env="demo"})`
	harness.Eventually(t, 15*time.Second, "Prometheus has read "+want+" tokens", func() bool {
		values := p.query(t, issued)
		return len(values) == 1 && values[0] == want
	})
	t.Run("AndTheRulesAreEvaluated", func(t *testing.T) { // C-352
		var rules struct {
			Groups []struct {
				Rules []struct{ Name, Health, LastError string }
			}
		}
		evaluated := 0
		harness.Eventually(t, 15*time.Second, "every rule is evaluated", func() bool {
			p.get(t, "/api/v1/rules", &rules)
			evaluated = 0
			for _, g := range rules.Groups {
				for _, r := range g.Rules {
					if r.Health == "err" {
						t.Fatalf("%s: %s", r.Name, r.LastError)
					}
					if r.Health == "ok" {
						evaluated++
					}
				}
			}
			return evaluated == len(alerts(t))
		})
	})
	t.Run("AndEveryPanelOfTheDashboardCanBeAsked", func(t *testing.T) { // C-351
		chosen := strings.NewReplacer("$job", ".*", "$instance", ".*", "$__rate_interval", "1m")
		shown := 0
		for _, panel := range readDashboard(t).Panels {
			for _, target := range panel.Targets {
				if len(p.query(t, chosen.Replace(target.Expr))) > 0 { // a wrong query ends the test
					shown++
				}
			}
		}
		if shown < 20 { // the others are of what has not happened
			t.Errorf("%d queries have an answer", shown)
		}
	})
	t.Run("AndOnlyWhatIsDownIsCalledDown", func(t *testing.T) { // C-352
		down := func() (names []string) {
			var list struct {
				Alerts []struct {
					Labels map[string]string
				}
			}
			p.get(t, "/api/v1/alerts", &list)
			for _, a := range list.Alerts {
				names = append(names, a.Labels["alertname"]+" "+a.Labels["instance"])
			}
			return names
		}
		// The other node, and the check of gateways, of which the example tells.
		harness.Eventually(t, 15*time.Second, "two are down", func() bool { return len(down()) == 2 })
		for _, name := range down() {
			if !strings.HasPrefix(name, "TokenwrightDown") || strings.Contains(s.MetricsURL, strings.Fields(name)[1]) {
				t.Errorf("an alert that is none: %s", name)
			}
		}
	})
}
