package examples

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
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
