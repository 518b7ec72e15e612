package observe

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

// alert is one rule of deploy/prometheus/alerts.yml.
type alert struct{ name, expression, text string }

// alerts reads the rules, whose form promtool has checked.
func alerts(t *testing.T) (list []alert) {
	t.Helper()
	_, rules, _ := strings.Cut(harness.ReadFile(t, "deploy", "prometheus", "alerts.yml"), "\ngroups:\n")
	for _, text := range strings.Split(rules, "- alert: ")[1:] {
		name, rest, _ := strings.Cut(text, "\n")
		_, rest, _ = strings.Cut(rest, "expr:")
		expression := regexp.MustCompile(`(?m)^        [a-z]+:`).Split(rest, 2)[0]
		list = append(list, alert{name, expression, text})
	}
	if len(list) < 15 {
		t.Fatalf("%d alerts were found", len(list))
	}
	return list
}

func TestPromtoolAcceptsTheRulesAndTheirTests(t *testing.T) { // C-352
	t.Parallel()
	promtool := harness.FindProgram(t, "promtool")
	harness.Tool(t, "", promtool, "check", "rules", harness.File("deploy", "prometheus", "alerts.yml"))
	harness.Tool(t, "", promtool, "check", "config", harness.File("deploy", "prometheus", "prometheus.yml"))
	harness.Tool(t, "", promtool, "test", "rules", harness.File("deploy", "prometheus", "alerts_test.yml"))
}

func TestEveryAlertIsTestedToFireAndToBeSilent(t *testing.T) { // C-352
	tests := harness.ReadFile(t, "deploy", "prometheus", "alerts_test.yml")
	for _, a := range alerts(t) {
		fires := strings.Contains(tests, "alertname: "+a.name+"\n        exp_alerts:\n          - exp_labels:")
		silent := strings.Contains(tests, "alertname: "+a.name+"\n        exp_alerts: []")
		if !fires || !silent {
			t.Errorf("%s: tested to fire %t, to be silent %t", a.name, fires, silent)
		}
	}
}

func TestAlertsUseOnlyMetricsThatExist(t *testing.T) { // C-351
	for _, a := range alerts(t) {
		checkExpression(t, a.name, a.expression)
	}
}

// withoutAlert are runbooks of what no metric tells.
var withoutAlert = []string{"The disk is full", "The database is lost or damaged", "The installation was moved"}

// anchor is that of a heading.
func anchor(heading string) string { return strings.ReplaceAll(strings.ToLower(heading), " ", "-") }

var heading = regexp.MustCompile(`(?m)^## (.+)$`)

func TestEveryAlertHasItsRunbookAndTheReverse(t *testing.T) { // C-352
	runbooks := harness.ReadFile(t, "internal", "docs", "content", "runbooks.md")
	var sections []string
	for _, h := range heading.FindAllStringSubmatch(runbooks, -1) {
		sections = append(sections, h[1])
	}
	for _, a := range alerts(t) {
		if !slices.Contains(sections, a.name) {
			t.Errorf("internal/docs/content/runbooks.md has no section %s", a.name)
		}
		url := "runbook_url: https://github.com/tokenwright/tokenwright/blob/main/internal/docs/content/runbooks.md#" + strings.ToLower(a.name)
		for _, want := range []string{url, "summary: ", "description: "} {
			if !strings.Contains(a.text, want) {
				t.Errorf("%s has no %s", a.name, want)
			}
		}
		if severity := regexp.MustCompile(`severity: (warning|critical)\n`); !severity.MatchString(a.text) {
			t.Errorf("%s has no severity", a.name)
		}
	}
	for _, section := range sections {
		if !slices.Contains(withoutAlert, section) && !slices.ContainsFunc(alerts(t), func(a alert) bool { return a.name == section }) {
			t.Errorf("internal/docs/content/runbooks.md has the section %s, and there is no such alert", section)
		}
	}
	bodies := heading.Split(runbooks, -1)
	for i, section := range sections {
		for _, part := range []string{"**Means**", "**Users feel**", "**Look**", "**Over**"} {
			if !strings.Contains(bodies[i+1], part) {
				t.Errorf("the runbook %s has no part %s", section, part)
			}
		}
		if !regexp.MustCompile(`(?i)\*\*do\*\*`).MatchString(bodies[i+1]) {
			t.Errorf("the runbook %s does not say what to do", section)
		}
	}
}

func TestTheRunbooksNameCommandsAndAnchorsThatExist(t *testing.T) { // C-352
	t.Parallel()
	in := harness.New(t)
	runbooks := harness.ReadFile(t, "internal", "docs", "content", "runbooks.md")
	checked := 0
	for _, line := range regexp.MustCompile("(?:`|\\n)(tokenwright [a-z][^`\\n]*)").FindAllStringSubmatch(runbooks, -1) {
		var command []string
		for _, word := range strings.Fields(line[1])[1:] {
			if !regexp.MustCompile(`^[a-z][a-z-]+$`).MatchString(word) {
				break
			}
			command = append(command, word)
		}
		help := in.Finish(t, in.Command(context.Background(), append(command, "--help")...)).Stdout
		if !regexp.MustCompile(`\n  tokenwright ` + strings.Join(command, " ") + `( |\n)`).MatchString(help) {
			t.Errorf("there is no command %s", line[1])
		}
		for _, flag := range regexp.MustCompile(`--[a-z-]+`).FindAllString(line[1], -1) {
			if !strings.Contains(help, " "+flag+" ") {
				t.Errorf("the command of %q has no %s", line[1], flag)
			}
		}
		checked++
	}
	if checked < 10 {
		t.Errorf("%d commands were found", checked)
	}
	for _, link := range regexp.MustCompile(`\]\(#([a-z-]+)\)`).FindAllStringSubmatch(runbooks, -1) {
		names := func(name string) bool { return anchor(name) == link[1] }
		if !slices.ContainsFunc(alerts(t), func(a alert) bool { return names(a.name) }) && !slices.ContainsFunc(withoutAlert, names) {
			t.Errorf("there is no section #%s", link[1])
		}
	}
}
