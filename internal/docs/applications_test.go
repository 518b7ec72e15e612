package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/examples"
)

// C-511: whoever looks for a language finds the request and the whole program.
func TestEveryClientOfTheExamplesIsShown(t *testing.T) {
	request, whole := newSite(t, testConfig()).byName["get-a-token"].source, newSite(t, testConfig()).byName["keep-a-token-fresh"].source
	var clients []string
	for _, pattern := range []string{"clients/*.sh", "clients/*.py", "clients/*.mjs", "clients/*/main.go"} {
		files, err := fs.Glob(examples.Files, pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v, %v", pattern, files, err)
		}
		clients = append(clients, files...)
	}
	shown := 0
	for _, found := range regexp.MustCompile(`(?m)^\[[^\]\n]+\]\(\.\./\.\./\.\./examples/(clients/\S+)\)$`).FindAllStringSubmatch(whole, -1) {
		if shown++; !slices.Contains(clients, found[1]) {
			t.Errorf("keep-a-token-fresh shows %s, which is no client", found[1])
		}
	}
	if shown != len(clients) {
		t.Errorf("keep-a-token-fresh shows %d of %d clients", shown, len(clients))
	}
	_, tabs, _ := strings.Cut(whole, "<!-- tabs -->")
	headings := regexp.MustCompile(`(?m)^#{3,4} .+$`).FindAllString(tabs, -1)
	if len(headings) < shown {
		t.Errorf("only %d headings in the tabs of keep-a-token-fresh", len(headings))
	}
	for _, heading := range headings {
		if !strings.Contains(request, "\n"+heading+"\n") {
			t.Errorf("get-a-token has no sample under %q", heading)
		}
	}
}

// C-512: what people are told to press and to look for is there.
func TestPagesUseTheWordsOfTheConsole(t *testing.T) {
	var console strings.Builder
	for _, pattern := range []string{"../console/templates/*.html", "../console/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v, %v", pattern, files, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			console.Write(text)
		}
	}
	words := 0
	for _, name := range []string{"create-an-api-key", "rotate-a-secret"} {
		_, section, _ := strings.Cut(newSite(t, testConfig()).byName[name].source, "\n## In the console\n")
		section, _, _ = strings.Cut(section, "\n## ")
		for _, word := range regexp.MustCompile(`\*\*([^*]+)\*\*`).FindAllStringSubmatch(section, -1) {
			if words++; !strings.Contains(console.String(), ">"+word[1]+"<") && !strings.Contains(console.String(), `"`+word[1]+`"`) {
				t.Errorf("%s speaks of %q, which the console does not have", name, word[1])
			}
		}
	}
	if words < 10 {
		t.Errorf("only %d words of the console are found", words)
	}
}
