package verify

import (
	"errors"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/internal/jose"
)

// C-514: what the page on verification shows, whatever the language, is what this
// package answers.
func TestAnswersOnThePageAreOurs(t *testing.T) {
	text, err := os.ReadFile("../internal/docs/content/verify.md")
	if err != nil {
		t.Fatal(err)
	}
	page := strings.ReplaceAll(string(text), "https://auth.example.com/demo", issuer)
	shown := regexp.MustCompile("(?s)```http\n(HTTP/.*?)```\n").FindAllStringSubmatch(page, -1)

	s := testSigner(t, jose.ES256)
	v := newVerifier(t, testConfig(s))
	away := testConfig(s)
	away.Keys = awayKeys{errors.New("away")}
	good := signed(t, s)
	lacking := signToken(t, s, payload(t, `"customers:read customers:write"`, `"customers:write"`))
	expired := signToken(t, s, payload(t, `"exp":1764003600`, `"exp":1`))
	answer := func(v *Verifier, header ...string) string {
		w, _ := ask(t, v, withHeader(header...), Require("customers:read"))
		return message(w)
	}
	answers := []string{answer(v), answer(v, "Bearer "+expired), answer(v, "Bearer "+lacking), answer(newVerifier(t, away), "Bearer "+good)}
	if len(shown) != len(answers) {
		t.Fatalf("the page shows %d answers, not %d", len(shown), len(answers))
	}
	for i, want := range answers {
		if shown[i][1] != want {
			t.Errorf("the page shows\n%s\nand the answer is\n%s", shown[i][1], want)
		}
	}
}

// message is an answer as the page shows it, with headers in the order of their names.
func message(w *httptest.ResponseRecorder) string {
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP/1.1 %s\n", w.Result().Status)
	for _, name := range slices.Sorted(maps.Keys(w.Header())) {
		fmt.Fprintf(&b, "%s: %s\n", strings.Replace(name, "Www", "WWW", 1), w.Header().Get(name))
	}
	return b.String() + "\n" + w.Body.String() + "\n"
}
