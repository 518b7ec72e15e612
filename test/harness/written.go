package harness

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what ran into the pages of the documentation that say it")

// Written holds that a page of the documentation says what ran, between the lines
// that name who writes that part, such as test/interop. With -update it says so from
// now on. alike returns what is to be equal of both: all, where it is nil.
func Written(t testing.TB, page, by, ran string, alike func(string) string) {
	t.Helper()
	path := []string{"internal", "docs", "content", page + ".md"}
	changed, said, err := Between(ReadFile(t, path...), by, ran)
	if err != nil {
		t.Fatalf("%s.md: %v", page, err)
	}
	if *update {
		if err := os.WriteFile(File(path...), []byte(changed), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if alike == nil {
		alike = func(text string) string { return text }
	}
	if alike(said) != alike(ran) {
		t.Errorf("%s.md does not say what ran; go test ./%s -update mends that. It says:\n%s\nWhat ran:\n%s", page, strings.TrimPrefix(by, "test/"), said, ran)
	}
}

// Between puts what ran between the lines of a page that name who writes that part, and
// returns what they have said until now as well.
func Between(page, by, ran string) (changed, said string, err error) {
	begin, end := "<!-- begin: written by "+by+" -->\n", "<!-- end: written by "+by+" -->\n"
	before, rest, ok := strings.Cut(page, begin)
	said, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		return "", "", fmt.Errorf("there is no %q with %q behind it", begin, end)
	}
	ran = "\n" + ran + "\n" // a comment beside a table would be a part of it
	return before + begin + ran + end + after, strings.TrimSuffix(strings.TrimPrefix(said, "\n"), "\n"), nil
}
