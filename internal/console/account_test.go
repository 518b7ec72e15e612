package console_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
)

const another = "mortar nimbus walnut oyster" // a password that is as good

// C-471
func TestAUserChangesItsNameAlone(t *testing.T) {
	h := newHarness(t)
	u := h.user("Dana", at("4259", account.Viewer))
	b := h.signedIn(u)
	b.get(home).want(t, http.StatusOK, "Dana", "dana@example.com", "Viewer Sees API keys", "Acme 4259", "Firefox on Linux this one")
	b.send("/console/account/name", "name", "").want(t, http.StatusBadRequest, "The name is empty")
	b.send("/console/account/name", "name", "Dana Vance").want(t, http.StatusSeeOther)
	b.get(home+"?done=name").want(t, http.StatusOK, "Dana Vance", "Your name was changed")
	for _, more := range []string{"operator", "email", "role", "memberships", "status"} { // what a form may not be made to change
		b.post("/console/account/name", "name", "Dana", more, "yes").want(t, http.StatusSeeOther)
	}
	got, err := h.accounts.User(h.ctx, root, u.ID)
	h.must(err)
	if got.Name != "Dana" || got.Email != u.Email || got.Operator || len(got.Memberships) != 1 || got.Memberships[0].Role != account.Viewer {
		t.Errorf("the user is %+v", got)
	}
}

// C-471: the menu has ten merchants, the current one among them, and leads to all.
func TestWhoWorksForManyMerchantsFindsAll(t *testing.T) {
	h := newHarness(t)
	var many []account.Membership
	for _, id := range []authority.MerchantID{"11", "100", "2", "9", "10", "1", "3", "4", "5", "6", "7", "8"} {
		_, err := h.auth.CreateMerchant(h.ctx, root, authority.NewMerchant{ID: id, Name: "Shop " + string(id)})
		h.must(err)
		many = append(many, at(id, account.Viewer))
	}
	b := h.signedIn(h.user("Mara", many...))
	menu := func(path string) string {
		t.Helper()
		page := b.get(path).want(t, http.StatusOK)
		_, rest, _ := strings.Cut(page.body, `<details class="menu">`)
		rest, _, _ = strings.Cut(rest, "</details>")
		_, list, _ := strings.Cut((&answer{body: rest}).text(), " Shop ")
		return list
	}
	if got := menu("/console/merchants/100/users"); got != "1 Shop 2 Shop 3 Shop 4 Shop 5 Shop 6 Shop 7 Shop 8 Shop 9 Shop 100 All your merchants" {
		t.Errorf("the menu of merchant 100 is %q", got)
	}
	if got := menu("/console/merchants/2/users"); got != "1 Shop 2 Shop 3 Shop 4 Shop 5 Shop 6 Shop 7 Shop 8 Shop 9 Shop 10 All your merchants" {
		t.Errorf("the menu of merchant 2 is %q", got)
	}
	if !strings.Contains(b.page.body, "<bdi>Shop 2</bdi>") { // a name that is read from the right must not move the number
		t.Error("the name is not on its own")
	}
	b.get(home).want(t, http.StatusOK, "Shop 10 10 Viewer", "Shop 11 11 Viewer", "Shop 100 100 Viewer")
	h.signedIn(h.user("Dana", at("1", account.Viewer), at("2", account.Viewer))).get(home).want(t, http.StatusOK, "Shop 1 Shop 2").wantNot(t, "All your merchants")
}

// A new password takes the present one, however lately it was given; what is typed
// is in no page.
//
// C-471, C-212
func TestAPasswordIsChangedByWhoKnowsIt(t *testing.T) {
	h := newHarness(t)
	u := h.user("Dana")
	b := h.signedIn(u)
	change := func(current, next string) *answer {
		b.get(home)
		return b.send("/console/account/password", "current", current, "password", next)
	}
	change("not my password at all", another).want(t, http.StatusUnauthorized, "This is not your password").wantNot(t, another, "not my password at all")
	change(password, "short").want(t, http.StatusBadRequest, "fewer than 15 characters").wantNot(t, password)
	change(password, "dana@example.com").want(t, http.StatusBadRequest, "little more than a name")
	b.follow(change(password, another)).want(t, http.StatusOK, "Your password was changed")
	h.browser().tryPassword(u, password).want(t, http.StatusUnauthorized)
	h.browser().tryPassword(u, another).want(t, http.StatusSeeOther)
}

func (b *browser) tryPassword(u *account.User, password string) *answer {
	b.get("/console/sign-in")
	return b.send("/console/sign-in", "email", u.Email, "password", password)
}

var (
	factorKey = regexp.MustCompile(`id="factor-key">([A-Z2-7 ]+)<`)
	codeLines = regexp.MustCompile(`(?s)id="codes">(.*?)</code>`)
)

// code is what the app shows that was given the key of the page (RFC 6238).
func (b *browser) code(key string) string {
	b.h.t.Helper()
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ReplaceAll(key, " ", ""))
	b.h.must(err)
	mac := hmac.New(sha1.New, secret)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(b.h.at.Unix()/30)))
	sum := mac.Sum(nil)
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[sum[19]&15:])&0x7fffffff%1_000_000)
}

// setUpFactor returns the key of the app, and the recovery codes.
func (b *browser) setUpFactor() (key string, codes []string) {
	b.h.t.Helper()
	b.get(home)
	a := b.send("/console/account/second-factor/new").want(b.h.t, http.StatusOK, "Scan this with the app")
	if !strings.Contains(a.body, `<svg class="qr"`) {
		b.h.t.Error("there is no QR code")
	}
	key = factorKey.FindStringSubmatch(a.body)[1]
	b.send("/console/account/second-factor", "code", "000000").want(b.h.t, http.StatusBadRequest, "not the code that the app shows")
	if again := factorKey.FindStringSubmatch(b.page.body)[1]; again != key {
		b.h.t.Errorf("after a wrong code the key is %s, was %s", again, key)
	}
	b.send("/console/account/second-factor", "code", b.code(key)).want(b.h.t, http.StatusOK, "Keep these codes now")
	return key, b.page.codes()
}

// codes are the recovery codes that the page shows.
func (a *answer) codes() []string {
	if m := codeLines.FindStringSubmatch(a.body); m != nil {
		return strings.Fields(html.UnescapeString(m[1]))
	}
	return nil
}

// C-215
func TestASecondFactorIsAskedForAndEachCodeIsTakenOnce(t *testing.T) {
	h := newHarness(t)
	u := h.user("Dana")
	b := h.signedIn(u)
	key, codes := b.setUpFactor()
	if len(codes) != 10 {
		t.Fatalf("there are %d recovery codes", len(codes))
	}
	b.get(home).want(t, http.StatusOK, "in use").wantNot(t, codes[0], key)

	give := func(code string) *answer {
		other := h.browser()
		other.tryPassword(u, password).want(t, http.StatusUnauthorized, "Second factor")
		other.get(home).want(t, http.StatusUnauthorized, "Second factor") // half is nothing
		return other.send("/console/code", "code", code)
	}
	give(b.code(key)).want(t, http.StatusUnauthorized, "used before") // it has set the factor up
	*h.at = h.at.Add(30 * time.Second)
	code := b.code(key)
	give(code).want(t, http.StatusSeeOther)
	give(code).want(t, http.StatusUnauthorized, "used before")
	give(strings.ToLower(codes[3])).want(t, http.StatusSeeOther)
	give(codes[3]).want(t, http.StatusUnauthorized)

	b.get(home)
	b.send("/console/account/recovery-codes").want(t, http.StatusOK, "take the place of all that you had")
	renewed := b.page.codes()
	give(codes[4]).want(t, http.StatusUnauthorized)
	give(renewed[4]).want(t, http.StatusSeeOther)

	b.get(home)
	b.send("/console/account/second-factor/remove", "confirm", "remove it").want(t, http.StatusBadRequest, "Nothing has happened")
	b.send("/console/account/second-factor/remove", "confirm", "remove").want(t, http.StatusSeeOther)
	h.browser().tryPassword(u, password).want(t, http.StatusSeeOther)
}

// Guessing takes ever longer, and then the right code waits as well.
//
// C-215
func TestCodesAreNotGuessed(t *testing.T) {
	h := newHarness(t)
	u := h.user("Dana")
	b := h.signedIn(u)
	key, _ := b.setUpFactor()
	*h.at = h.at.Add(30 * time.Second)
	other := h.browser()
	other.tryPassword(u, password)
	for range 6 {
		other.send("/console/code", "code", "000000")
	}
	other.page.want(t, http.StatusTooManyRequests, "Too many tries")
	other.send("/console/code", "code", b.code(key)).want(t, http.StatusTooManyRequests)
}

// What changes how somebody signs in takes a proof that is 5 minutes old at most;
// what takes power away does not wait.
//
// C-199
func TestTheAccountAsksWhoItIs(t *testing.T) {
	h := newHarness(t)
	u := h.user("Dana")
	b := h.signedIn(u)
	other := h.signedIn(u)
	*h.at = h.at.Add(5 * time.Minute)
	b.get(home)
	for _, path := range []string{"recovery-codes", "second-factor", "second-factor/new", "second-factor/remove"} {
		b.post("/console/account/"+path, "confirm", "remove").want(t, http.StatusForbidden, "Confirm that it is you")
	}
	b.get(home)
	b.send("/console/account/sessions/end-others").want(t, http.StatusSeeOther)
	other.get(home).want(t, http.StatusUnauthorized)
}
