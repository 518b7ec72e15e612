package browser

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

// C-520, C-521: the pages that llms.txt lists.
func TestTheDocumentationIsForEverybody(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	pages := []string{"/docs"}
	for _, link := range regexp.MustCompile(`\]\(\S+?(/docs/\S+)\.md\)`).FindAllStringSubmatch(string(s.Get(t, s.URL+"/llms.txt").Body), -1) {
		if link[1] != "/docs/overview" {
			pages = append(pages, link[1])
		}
	}
	if len(pages) < 15 {
		t.Fatalf("llms.txt lists %s", strings.Join(pages, " "))
	}
	size := func(path string) int { return len(s.Get(t, s.URL+path).Body) }
	largest := slices.SortedFunc(slices.Values(pages), func(a, b string) int { return size(b) - size(a) })[:3]
	Run(t, "docs.mjs", map[string]string{"BASE_URL": s.URL, "PAGES": asJSON(t, pages), "LARGEST": asJSON(t, largest)})
}
