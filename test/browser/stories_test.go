package browser

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/console"
	"github.com/tokenwright/tokenwright/test/harness"
)

// C-487, C-488, C-489: an installation from its set-up link on; by keyboard alone,
// and without script; and names that are something else where they are not kept text.
func TestPeopleGetFromNothingToTokens(t *testing.T) {
	t.Parallel()
	harness.Need(t, "chromium-headless-shell", "curl")
	s := harness.Start(t)
	link, _ := s.SetUpLink(t)
	b := open(t, s)
	b.catalogue()
	naughty := b.naughty()
	viewer := b.signIn(account.NewUser{Email: "vera@example.com", Name: strings.Repeat("V", 100), Memberships: []account.Membership{{MerchantID: "6020", Role: account.Viewer}}})
	notes := filepath.Join(t.TempDir(), "notes")
	Run(t, "stories.mjs", map[string]string{"BASE_URL": s.URL, "LINK": link, "PASSWORD": password, "NOTES": notes, "NAUGHTY": asJSON(t, naughty), "VIEWER": viewer})
	takeNotes(t, notes)
}

// takeNotes notes the secrets that a script has seen: "key ID SECRET", "token TOKEN".
func takeNotes(t *testing.T, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		switch words := strings.Fields(line); words[0] {
		case "key":
			harness.NoteKey(words[1], words[2])
		case "token":
			harness.NoteToken(words[1])
		}
	}
}

// naughtyNames are among those that break programs; see the Big List of Naughty
// Strings.
var naughtyNames = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`, `{{.CSRF}} ${7*7} %s`, `javascript:alert(1)`,
	`</title></textarea><svg/onload=alert(1)>`, `<!--`, `&lt;b&gt;&amp;`, `=HYPERLINK("http://x.example","x")`, `@SUM(1+1)`, `-1+1`, `+1`,
	`%3Cscript%3E`, `undefined`, `a,b;c`, `Ω≈ç√∫˜µ≤≥÷`, `田中さんにあげて下さい`, `שלום עולם`, `😀👩‍👩‍👧‍👦 ﷽`, `Ṱ̺̺̕o͞ ̷i̲̬͇`,
	strings.Repeat("W", 100), "a" + strings.Repeat("\u0300", 99),
}

// naughty gives the names to all that people name, at merchant 6000, and says where
// they are shown.
func (b *busy) naughty() map[string]any {
	b.t.Helper()
	limit, ctx := len(naughtyNames), b.t.Context()
	keys := map[authority.ClientID]string{}
	for i, name := range naughtyNames {
		id := authority.MerchantID(strconv.Itoa(6000 + i))
		_, err := b.auth.CreateMerchant(ctx, shell, authority.NewMerchant{ID: id, Name: name, KeyLimit: &limit})
		b.must(err)
		_, err = b.auth.CreateScope(ctx, shell, authority.Scope{Name: fmt.Sprintf("naughty%d:read", i), Description: name})
		b.must(err)
		_, err = b.accounts.CreateUser(ctx, shell, account.NewUser{Email: fmt.Sprintf("naughty%d@example.com", i), Name: name, Memberships: []account.Membership{{MerchantID: "6000", Role: account.Viewer}}})
		b.must(err)
		k, secret, err := b.auth.CreateAPIKey(ctx, shell, authority.NewAPIKey{MerchantID: "6000", Env: "demo", Name: name, Description: name})
		b.must(err)
		harness.NoteSecret(secret.Reveal())
		keys[k.ID] = name
	}
	_, err := b.auth.CreateScope(ctx, shell, authority.Scope{Name: strings.Repeat("w", 50) + ":read"})
	b.must(err)
	var pages []string
	for _, path := range []string{"merchants", "users", "scopes", "merchants/6000/api-keys/demo", "merchants/6000/api-keys/demo/new", "merchants/6000/start", "merchants/6000/users", "merchants/6000/events?kind=api_key.created"} {
		pages = append(pages, console.Root+"/"+path)
	}
	return map[string]any{"merchant": "6000", "names": naughtyNames, "keys": keys, "pages": pages}
}
