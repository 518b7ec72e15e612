package console_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// signingKey returns the key of demo that has the status.
func (h *harness) signingKey(status authority.SigningKeyStatus) authority.SigningKey {
	h.t.Helper()
	keys, err := h.auth.SigningKeys(h.ctx, root)
	h.must(err)
	for _, k := range keys {
		if k.Env == "demo" && k.Status == status {
			return k
		}
	}
	h.t.Fatalf("no signing key of demo is %s", status)
	return authority.SigningKey{}
}

// C-469
func TestSigningKeyIsRotatedOnceVerifiersKnowTheNextOne(t *testing.T) {
	h := newHarness(t)
	b := h.signedIn(h.operator("Olga"))
	before, next := h.signingKey(authority.SigningKeyActive), h.signingKey(authority.SigningKeyAnnounced)
	b.get("/console/signing-keys").want(t, http.StatusOK, "Signs until somebody rotates", before.KeyID, next.KeyID, "may sign from")
	b.follow(b.send("/console/signing-keys/rotate", "env", "demo", "active", before.KeyID)).want(t, http.StatusOK, "The rotation is noted", "A rotation is under way")
	if k := h.signingKey(authority.SigningKeyActive); k.KeyID != before.KeyID {
		t.Errorf("%s signs, before any verifier knows it", k.KeyID)
	}
	*h.at = h.at.Add(time.Hour)
	b = h.signedIn(h.operator("Otto"))
	page := b.get("/console/signing-keys")
	b.follow(b.send("/console/signing-keys/rotate", "env", "demo", "active", before.KeyID)).want(t, http.StatusOK, "Another signing key signs from now on", "retired")
	if k := h.signingKey(authority.SigningKeyActive); k.KeyID != next.KeyID {
		t.Errorf("%s signs, want %s", k.KeyID, next.KeyID)
	}
	// The same click once more, and a form that names none.
	b.page = page
	b.send("/console/signing-keys/rotate", "env", "demo", "active", before.KeyID).want(t, http.StatusConflict, "It was rotated already").wantNot(t, "A rotation is under way")
	b.post("/console/signing-keys/rotate", "env", "demo").want(t, http.StatusConflict, "It was rotated already")
	if k := h.signingKey(authority.SigningKeyActive); k.KeyID != next.KeyID {
		t.Errorf("a second click lets %s sign", k.KeyID)
	}
	b.post("/console/signing-keys/rotate", "env", "nowhere").want(t, http.StatusNotFound)
}

// C-469
func TestSigningKeyIsRevokedByTypedWord(t *testing.T) {
	h := newHarness(t)
	b := h.signedIn(h.operator("Olga"))
	active, next := h.signingKey(authority.SigningKeyActive), h.signingKey(authority.SigningKeyAnnounced)
	path := "/console/signing-keys/" + active.KeyID
	word := active.KeyID[:8]
	b.get(path).want(t, http.StatusOK, "Every access token of demo that it has signed is refused", "Let the next key sign at once")
	b.send(path+"/revoke", "confirm", word[:7], "force", "yes").want(t, http.StatusBadRequest, "Nothing has happened")
	if form, _ := b.page.form(path + "/revoke"); form.Get("force") != "yes" {
		t.Error("the choice is gone")
	}
	b.get(path)
	b.send(path+"/revoke", "confirm", word).want(t, http.StatusConflict, "It was not revoked", "Verifiers do not know another key yet")
	b.follow(b.send(path+"/revoke", "confirm", word, "force", "yes")).want(t, http.StatusOK, "The signing key was revoked", "revoked")
	if k := h.signingKey(authority.SigningKeyActive); k.KeyID != next.KeyID {
		t.Errorf("%s signs, want %s", k.KeyID, next.KeyID)
	}
	b.get(path).want(t, http.StatusOK, "Its private key is wiped").wantNot(t, "Revoke signing key</button>")
	b.get("/console/signing-keys/no-such-key").want(t, http.StatusNotFound)
}

// C-469
func TestTimelineOfSigningKeysStaysWithinItsFrame(t *testing.T) {
	h := newHarness(t)
	for i := range 30 {
		*h.at = h.at.Add(time.Duration(i+1) * 20 * time.Hour)
		_, err := h.auth.RotateSigningKey(h.ctx, root, "demo")
		h.must(err)
		h.must(h.auth.TendSigningKeys(h.ctx))
	}
	_, err := h.auth.RevokeSigningKey(h.ctx, root, h.signingKey(authority.SigningKeyRetired).KeyID, true)
	h.must(err)
	page := h.signedIn(h.operator("Olga")).get("/console/signing-keys").want(t, http.StatusOK, "older ones are not shown")
	svg, _, _ := strings.Cut(page.body[strings.Index(page.body, `role="img"`):], "</svg>")
	for class, least := range map[string]int{"announced": 1, "signing": 1, "revoked": 1, "now": 1, "grid": 2} {
		if n := strings.Count(svg, `class="`+class+`"`); n < least {
			t.Errorf("%d of %s are drawn, want %d at least:\n%s", n, class, least, svg)
		}
	}
	for _, part := range strings.Split(svg, "<rect ")[1:] {
		x, width := percent(t, part, "x"), percent(t, part, "width")
		if x < 0 || width <= 0 || x+width > 100.01 {
			t.Errorf("a bar of %g%% stands at %g%%", width, x)
		}
	}
}

func percent(t *testing.T, attributes, name string) float64 {
	t.Helper()
	value := strings.TrimSuffix(attribute(" "+attributes, name), "%")
	n, err := strconv.ParseFloat(value, 64)
	if err != nil {
		t.Fatalf("%s is %q in %s", name, value, attributes)
	}
	return n
}
