package observe

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

// dashboard is what these tests read of a dashboard of Grafana.
type dashboard struct {
	UID, Title string
	Panels     []panel
	Templating struct {
		List []struct{ Name, Query string }
	}
}

type panel struct {
	ID                       int
	Type, Title, Description string
	GridPos                  struct{ X, Y, W, H int }
	Targets                  []struct{ Expr string }
}

func readDashboard(t *testing.T) (d dashboard) {
	t.Helper()
	if err := json.Unmarshal([]byte(harness.ReadFile(t, "deploy", "grafana", "tokenwright.json")), &d); err != nil {
		t.Fatal(err)
	}
	if len(d.Panels) < 20 {
		t.Fatalf("the dashboard has %d panels", len(d.Panels))
	}
	return d
}

func TestTheDashboardUsesOnlyMetricsThatExist(t *testing.T) { // C-351
	d := readDashboard(t)
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			// quantile is a label of the Go runtime's summary.
			checkExpression(t, "the panel "+p.Title, strings.ReplaceAll(target.Expr, `,quantile="1"`, ""))
		}
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("the panel %s shows nothing", p.Title)
		}
	}
	variables := map[string]bool{}
	for _, v := range d.Templating.List {
		variables[v.Name] = true
		if query, ok := strings.CutPrefix(v.Query, "label_values("); ok {
			checkExpression(t, "the variable "+v.Name, query)
		}
	}
	if !variables["datasource"] || !variables["job"] || !variables["instance"] {
		t.Errorf("variables %v", variables)
	}
}

func TestNoPanelOfTheDashboardLiesOnAnother(t *testing.T) { // C-351
	taken, ids := map[[2]int]string{}, map[int]bool{}
	for _, p := range readDashboard(t).Panels {
		if ids[p.ID] || p.ID == 0 {
			t.Errorf("the panel %s has the ID %d, as another", p.Title, p.ID)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" || x >= 24 {
					t.Fatalf("the panel %s lies on %q, or beside the page", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
	}
}

// Metrics that alerts watch and nobody can look at would be of little help.
func TestTheDashboardShowsEveryMetricThatAlertsWatch(t *testing.T) { // C-351
	shown, err := os.ReadFile(harness.File(filepath.Join("deploy", "grafana", "tokenwright.json")))
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range alerts(t) {
		for _, use := range selector.FindAllStringSubmatch(a.expression, -1) {
			if !strings.Contains(string(shown), use[1]) {
				t.Errorf("the dashboard does not show %s, which %s watches", use[1], a.name)
			}
		}
	}
}
