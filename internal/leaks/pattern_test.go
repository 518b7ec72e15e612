package leaks

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/internal/credential"
)

// C-376: the file for the default prefix is the one that an installation with it
// publishes.
func TestThePublishedFileIsThatOfTheDefaultPrefix(t *testing.T) {
	file, err := os.ReadFile("../../deploy/gitleaks/tokenwright.toml")
	if err != nil || !bytes.Equal(file, Pattern("tw")) {
		t.Errorf("deploy/gitleaks/tokenwright.toml is not internal/leaks/gitleaks.toml with {prefix} as tw: %v", err)
	}
}

// C-376: what NewSecret makes is found, for every prefix; what is no secret is
// not. That gitleaks reads the file so, a test from outside holds.
func TestThePatternFindsSecretsOfAnyPrefix(t *testing.T) {
	for _, prefix := range []string{"tw", "acme1"} {
		expression := regexp.MustCompile(`regex = '''(.*)'''`).FindSubmatch(Pattern(prefix))
		if expression == nil {
			t.Fatal("there is no expression")
		}
		pattern, format := regexp.MustCompile(string(expression[1])), credential.Format{Prefix: prefix}
		for _, env := range []string{"demo", "p", "environment12345"} {
			secret := format.NewSecret(env).Reveal()
			for _, text := range []string{secret, `"` + secret + `"`, "a=" + secret + "\n", secret + ", " + secret} {
				if n := len(pattern.FindAllString(text, -1)); n != strings.Count(text, secret) {
					t.Errorf("%s is found %d times in %s", secret, n, text)
				}
			}
			for _, text := range []string{format.NewID(env), secret + "0", secret[:len(secret)-1], "x" + secret} {
				if pattern.MatchString(text) {
					t.Errorf("%s is found", text)
				}
			}
		}
	}
}

// C-376
func TestThePatternIsPublic(t *testing.T) {
	in := install(t)
	w := in.send(httptest.NewRequest(http.MethodGet, patternPath, nil))
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/toml" || !bytes.Equal(w.Body.Bytes(), Pattern("tw")) {
		t.Errorf("status %d, %v", w.Code, w.Header())
	}
	post := in.send(httptest.NewRequest(http.MethodPost, patternPath, nil))
	if checkRefusal(t, "POST", post, 405); post.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("Allow is %q", post.Header().Get("Allow"))
	}
}
