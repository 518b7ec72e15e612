package examples

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

// What the tests run is what a user of an example installs.
func TestPackagesOfTheExamplesAreThoseThatAreTested(t *testing.T) {
	tested := dependencies(t, "../interop/package.json")
	files, err := filepath.Glob("../../examples/*/package.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no package.json in examples: %v", err)
	}
	for _, file := range files {
		for name, version := range dependencies(t, file) {
			if tested[name] != version {
				t.Errorf("%s has %s %s, and tested is %q", file, name, version, tested[name])
			}
		}
	}
}

// C-513: what a page has its readers install is what the tests run, in the version
// that the tests pin, or the same major one.
func TestPackagesThatPagesInstallAreThoseThatAreTested(t *testing.T) {
	tested := dependencies(t, "../interop/package.json")
	pages, err := filepath.Glob(harness.File("internal", "docs", "content", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, page := range pages {
		page = filepath.Base(page)
		for _, install := range regexp.MustCompile(`(?m)^npm install (\S.*)$`).FindAllStringSubmatch(harness.ReadFile(t, "internal", "docs", "content", page), -1) {
			for _, one := range strings.Fields(install[1]) {
				if strings.HasPrefix(one, "-") {
					continue
				}
				found++
				at := strings.LastIndexByte(one, '@')
				if at <= 0 {
					t.Errorf("%s installs %s in whatever version", page, one)
				} else if version := tested[one[:at]]; version != one[at+1:] && !strings.HasPrefix(version, one[at+1:]+".") {
					t.Errorf("%s installs %s, and tested is %q", page, one, version)
				}
			}
		}
	}
	if found < 2 {
		t.Errorf("the pages install %d packages", found)
	}
}

func dependencies(t *testing.T, file string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var of struct{ Dependencies map[string]string }
	if err := json.Unmarshal(text, &of); err != nil || len(of.Dependencies) == 0 {
		t.Fatalf("%s has no dependencies: %v", file, err)
	}
	return of.Dependencies
}
