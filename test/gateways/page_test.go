package gateways

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

// pageRows are the gateways of the page. With a version stand those that the tests of
// this package run.
var pageRows = []struct{ name, program, from, revocation, files string }{
	{"nginx", "nginx", "1.18", "within seconds", "[nginx.conf](#nginx)"},
	{"Caddy", "caddy", "2.6", "within seconds", "[Caddyfile](#caddy), [tokenwright.yaml](#who-answers-the-gateway)"},
	{"HAProxy", "haproxy", "2.6", "**no**: a token lives until it expires", "[haproxy.cfg, haproxy-keys](#haproxy)"},
	{"Traefik", "", "", "within seconds", "[a middleware](#traefik)"},
	{"Envoy", "", "", "within seconds", "[a filter](#envoy)"},
}

// C-513: the page on gateways says in which versions they have run here.
func TestThePageSaysWhichGatewaysHaveRun(t *testing.T) {
	here := release(t)
	var b strings.Builder
	b.WriteString("| Gateway | Needs | Run by our tests | Hears of revocation | To copy |\n|---|---|---|---|---|\n")
	for _, row := range pageRows {
		from, version := "", "no"
		if row.program != "" {
			from, version = row.from+" or newer", versionOf(t, row.program)+" ("+here+")"
		}
		b.WriteString("| " + strings.Join([]string{row.name, from, version, row.revocation, row.files}, " | ") + " |\n")
	}
	var alike func(string) string
	if !strings.Contains(harness.ReadFile(t, "internal", "docs", "content", "gateways.md"), "("+here+")") {
		// The page is of another release, which has other versions.
		alike = func(table string) string {
			return regexp.MustCompile(`\d+\.\d+\.\d+ \([^)]*\)`).ReplaceAllString(table, "")
		}
	}
	harness.Written(t, "gateways", "test/gateways", b.String(), alike)
}

// release is the one of the operating system, whose packages run here.
func release(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("/etc/os-release")
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^PRETTY_NAME="(\w+)\D*(\d+)`).FindSubmatch(text)
	if found == nil {
		return "elsewhere"
	}
	return string(found[1]) + " " + string(found[2])
}

// versionOf is what a program says of itself, on whichever output.
func versionOf(t *testing.T, name string) string {
	t.Helper()
	flag := map[string]string{"nginx": "-v", "caddy": "version", "haproxy": "-v"}[name]
	said := harness.Tool(t, "", "sh", "-c", harness.FindProgram(t, name)+" "+flag+" 2>&1")
	version := regexp.MustCompile(`\d+\.\d+\.\d+`).FindString(said)
	if version == "" {
		t.Fatalf("%s says nothing of its version: %s", name, said)
	}
	return version
}
