package admin

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

// page is a page of docs.
func page(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(harness.Example("..", "internal", "docs", "content", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The table of errors has each reason that the server gives, with its status, and
// no other.
func TestThePageNamesEveryReason(t *testing.T) {
	t.Parallel()
	statuses := map[string]string{
		"BadRequest": "400", "Forbidden": "403", "NotFound": "404", "MethodNotAllowed": "405", "Conflict": "409", "PreconditionFailed": "412",
		"RequestEntityTooLarge": "413", "UnsupportedMediaType": "415", "TooManyRequests": "429", "InternalServerError": "500", "ServiceUnavailable": "503",
	}
	var given, told []string
	files, err := filepath.Glob(harness.Example("..", "internal", "adminapi", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`http\.Status([A-Za-z]+), "([a-z_]+)"`).FindAllStringSubmatch(string(source), -1) {
			given = append(given, cmp.Or(statuses[m[1]], m[1])+" "+m[2])
		}
	}
	for _, row := range regexp.MustCompile(`(?m)^\| (\d+) \|(.*?)\|`).FindAllStringSubmatch(page(t, "admin.md"), -1) {
		for _, m := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(row[2], -1) {
			told = append(told, fmt.Sprint(row[1], " ", m[1]))
		}
	}
	slices.Sort(given)
	slices.Sort(told)
	if given = slices.Compact(given); !slices.Equal(given, told) || len(told) < 20 {
		t.Errorf("the server gives\n%v\nthe page has\n%v", given, told)
	}
}
