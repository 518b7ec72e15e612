package notice

import (
	"context"
	"errors"
	"log/slog"
	"net"
	netmail "net/mail"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/jose"
	"github.com/tokenwright/tokenwright/internal/mail"
	"github.com/tokenwright/tokenwright/internal/storetest"
	"github.com/tokenwright/tokenwright/internal/webhook"
)

var at = time.UnixMilli(1764000000123).UTC()

// root is the command line beside the database.
var root = authority.Actor{Permissions: authority.Everything(), ID: "cli:root@host"}

// world is an installation with the merchant 4259, whose mail server is away.
type world struct {
	*Notifier
	t     *testing.T
	dials int
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t}
	st, err := storetest.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "tokenwright.db"))
	w.must(err)
	t.Cleanup(func() { _ = st.Close() })
	master, _ := authority.NewMasterKey()
	cfg := authority.Config{Store: st, MasterKeys: []authority.MasterKey{master}, Clock: func() time.Time { return at },
		Environments: []authority.Environment{
			{Name: "demo", Issuer: "http://localhost:8080/demo", Algorithm: jose.ES256},
			{Name: authority.Platform, Issuer: "http://localhost:8080/platform", Algorithm: jose.ES256},
		}}
	w.must(authority.Initialize(t.Context(), cfg, "tw", authority.MerchantNumbers, root))
	auth, err := authority.Open(t.Context(), cfg)
	w.must(err)
	w.must(auth.LoadDirectory(t.Context()))
	_, err = auth.CreateMerchant(t.Context(), root, authority.NewMerchant{ID: "4259", Name: "Acme"})
	w.must(err)
	w.Notifier = New(Config{
		Authority: auth, Accounts: account.New(auth, st), Site: "https://auth.example.com", Logger: slog.New(slog.DiscardHandler), Registry: prometheus.NewRegistry(),
		Mail: mail.New(mail.Config{Server: mail.Server{Host: "localhost", Port: "25"}, From: netmail.Address{Address: "auth@example.com"},
			Dial: func(context.Context, string, string) (net.Conn, error) {
				w.dials++
				return nil, errors.New("it is away")
			}}),
	})
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// key makes an API key of the merchant, or of none.
func (w *world) key(merchant authority.MerchantID) *authority.APIKey {
	w.t.Helper()
	n := authority.NewAPIKey{MerchantID: merchant, Env: "demo", Name: "Orders sync"}
	if merchant == "" {
		n.Env, n.Scopes = authority.Platform, []string{authority.EventsRead}
	}
	k, _, err := w.Authority.CreateAPIKey(w.t.Context(), root, n)
	w.must(err)
	return k
}

func event(kind authority.EventKind, k *authority.APIKey, details string) *authority.Event {
	return &authority.Event{Seq: 7, Time: at, Kind: kind, Subject: string(k.ID), MerchantID: k.MerchantID, Env: k.Env, Details: details, Hash: make([]byte, 32)}
}

// C-456
func TestNoticeSaysWhatHappenedAndWhatToDo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key, operator := w.key("4259"), w.key("")
	const end = `{"days":7,"expiresAt":"2025-12-01T09:30:00Z","secretId":1,"url":"https://phishing.example/"}`
	const now = `{"expiresAt":"2025-11-24T16:00:00.123Z","secretId":1}`
	place := "\nhttps://auth.example.com/console/merchants/4259/api-keys/demo/" + string(key.ID) + "\n"
	for _, test := range []struct {
		kind    authority.EventKind
		key     *authority.APIKey
		details string
		subject string
		text    []string
	}{
		{authority.APIKeyExpiring, key, `{"days":7,"expiresAt":"2025-12-01T09:30:00Z"}`, "API key “Orders sync” ends on 1 December 2025",
			[]string{"ends on 1 December 2025, 09:30 UTC", "set a later end", "Merchant:    Acme (4259)", "Environment: demo", "Client ID:   " + string(key.ID), place}},
		{authority.SecretExpiring, key, end, "A secret of API key “Orders sync” ends on 1 December 2025",
			[]string{"ends on 1 December 2025, 09:30 UTC", "rotate it", "Secret:      1", place}},
		{authority.SecretLeaked, key, end, "A secret of API key “Orders sync” was found in the open",
			[]string{"Every access token of the API key was revoked, and the secret ends on 1 December 2025, 09:30 UTC.", "Rotate the secret now", place}},
		{authority.SecretLeaked, key, now, "A secret of API key “Orders sync” was found in the open", []string{"and the secret works no more."}},
		{authority.TokenLeaked, operator, `{"jti":"x"}`, "An access token of API key “Orders sync” was found in the open",
			[]string{"Environment: platform", "\nhttps://auth.example.com/console\n"}},
	} {
		got, err := w.write(t.Context(), event(test.kind, test.key, test.details))
		if err != nil || got == nil || got.subject != test.subject {
			t.Errorf("%s: %+v, %v", test.kind, got, err)
			continue
		}
		for _, want := range append(test.text, "What to do: ", "API key:     Orders sync", "Sent by Tokenwright at https://auth.example.com.") {
			if !strings.Contains(got.body, want) {
				t.Errorf("%s lacks %q:\n%s", test.kind, want, got.body)
			}
		}
		for _, line := range strings.Split(got.body, "\n") {
			if strings.Contains(line, "phishing") || strings.HasSuffix(line, ":") || strings.Contains(line, "%!") {
				t.Errorf("%s has the line %q", test.kind, line)
			}
		}
	}
}

// C-456: an API key that is deleted needs no care before its end; that a secret of
// it was found, its people are still to know.
func TestDeletedAPIKeyIsOfNoConcern(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k := w.key("4259")
	w.must(w.Authority.DeleteAPIKey(t.Context(), root, k.ID, 0))
	const end = `{"days":7,"expiresAt":"2025-12-01T09:30:00Z","secretId":1}`
	for _, kind := range []authority.EventKind{authority.APIKeyExpiring, authority.SecretExpiring} {
		if o, err := w.send(t.Context(), event(kind, k, end), ""); err != nil || o != (webhook.Outcome{}) || w.dials != 0 {
			t.Errorf("%s: %+v, %v", kind, o, err)
		}
	}
	if got, err := w.write(t.Context(), event(authority.SecretLeaked, k, end)); err != nil || got == nil || got.subject != "A secret of API key "+string(k.ID)+" was found in the open" {
		t.Errorf("%+v, %v", got, err)
	}
}

// C-456, C-457: what is to be repeated, and for whom.
func TestNoticeWaitsForSomebodyToTell(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := event(authority.SecretLeaked, w.key("4259"), `{"secretId":1}`)
	if o, err := w.send(t.Context(), e, ""); err != nil || o.Reason != webhook.ReasonNobody || w.dials != 0 {
		t.Errorf("with nobody there: %+v, %v", o, err)
	}
	ann, err := w.Accounts.CreateUser(t.Context(), root, account.NewUser{Email: "ann@example.com", Name: "Ann",
		Memberships: []account.Membership{{MerchantID: "4259", Role: account.Administrator}}})
	w.must(err)
	if o, err := w.send(t.Context(), e, "usr_gone"); err != nil || o.Reason != webhook.ReasonConnection || o.Told != "usr_gone" || w.dials != 1 {
		t.Errorf("with Ann: %+v, %v", o, err)
	}
	if o, err := w.send(t.Context(), e, string(ann.ID)); err != nil || o.Reason != "" || o.Told != string(ann.ID) || w.dials != 1 {
		t.Errorf("with Ann, who has it: %+v, %v", o, err)
	}
}

// C-456
func TestOnlyWhatAsksToActIsMailed(t *testing.T) {
	t.Parallel()
	var wanted []string
	wants := (&Notifier{}).Receiver().Wants
	for _, kind := range authority.EventKinds() {
		if wants(&authority.Event{Kind: kind}) {
			wanted = append(wanted, string(kind))
		}
	}
	if got := strings.Join(wanted, " "); got != "api_key.expiring secret.expiring secret.leaked token.leaked" {
		t.Errorf("mailed are %s", got)
	}
	if webhook.ValidName(Name) {
		t.Error("a webhook can have the name of the receiver")
	}
}
