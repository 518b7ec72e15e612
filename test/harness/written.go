package harness

import (
	"flag"
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
	begin, end := "<!-- begin: written by "+by+" -->\n", "<!-- end: written by "+by+" -->\n"
	path := []string{"internal", "docs", "content", page + ".md"}
	before, rest, ok := strings.Cut(ReadFile(t, path...), begin)
	said, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s.md has no %q with %q behind it", page, begin, end)
	}
	ran = "\n" + ran + "\n" // a comment beside a table would be a part of it
	if *update {
		if err := os.WriteFile(File(path...), []byte(before+begin+ran+end+after), 0o644); err != nil {
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
