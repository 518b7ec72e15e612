package browser

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/credential"
	"github.com/tokenwright/tokenwright/internal/jose"
	"github.com/tokenwright/tokenwright/internal/store"
	"github.com/tokenwright/tokenwright/test/harness"
)

// busy is an installation with as much in it as fills every page: a page of
// merchants, users and API keys, and more; months of use; everything that a status
// can be. Merchant 4711 has nothing yet.
type busy struct {
	*harness.Server
	t        *testing.T
	store    *store.Store
	auth     *authority.Authority
	accounts *account.Accounts

	Key    authority.ClientID // of merchant 4259, with two secrets and a history
	Idle   authority.ClientID // one that nobody has used
	Member account.UserID     // a viewer of merchant 4259
}

const password = "gravel otter lantern quince"

// shell is who runs a command beside the server.
var shell = authority.Actor{Permissions: authority.Everything(), ID: "cli:root@host", Address: "2001:db8:0:17:a00:27ff:fe4e:66a1", RequestID: "01KBD3F0Q5W7V9YJ2N8T4XKZ6M"}

func newBusy(t *testing.T, s *harness.Server) *busy {
	t.Helper()
	b := open(t, s)
	b.catalogue()
	b.merchants()
	b.people()
	b.keys()
	return b
}

// open opens the database of a server that runs, as commands do.
func open(t *testing.T, s *harness.Server) *busy {
	t.Helper()
	b := &busy{Server: s, t: t}
	var err error
	b.store, err = store.OpenSQLite(t.Context(), filepath.Join(s.Data, "tokenwright.db"), store.Options{})
	b.must(err)
	t.Cleanup(func() { _ = b.store.Close() })
	master, err := authority.ParseMasterKey(s.MasterKey(t, "master.key"))
	b.must(err)
	c := authority.Config{Store: b.store, MasterKeys: []authority.MasterKey{master}}
	for _, env := range []string{"demo", "production", authority.Platform} {
		issuer, audience := s.URL+"/"+env, s.URL+"/"+env+"/api"
		if env == authority.Platform {
			audience = s.URL + "/admin"
		}
		c.Environments = append(c.Environments, authority.Environment{Name: env, Issuer: issuer, Audience: audience, Algorithm: jose.ES256, TokenLifetime: time.Hour})
	}
	b.auth, err = authority.Open(t.Context(), c)
	b.must(err)
	b.must(b.auth.LoadDirectory(t.Context()))
	b.accounts = account.New(b.auth, b.store)
	return b
}

func (b *busy) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *busy) catalogue() {
	for collection, text := range map[string]string{
		"customers": "people who buy, with their addresses", "coupons": "codes that customers redeem", "rewards": "what customers are given for referring others",
		"orders": "what was bought", "referrals": "who has brought whom", "segments": "",
	} {
		for _, level := range []string{"read", "write", "delete"} {
			if collection == "referrals" && level != "read" {
				continue
			}
			description := ""
			if text != "" {
				description = map[string]string{"read": "Look up ", "write": "Add and change ", "delete": "Remove "}[level] + text
			}
			_, err := b.auth.CreateScope(b.t.Context(), shell, authority.Scope{Name: collection + ":" + level, Description: description})
			b.must(err)
		}
	}
	_, err := b.auth.CreateScope(b.t.Context(), shell, authority.Scope{Name: "reports:read", Description: "Read reports", Resource: "https://reports.example.com"})
	b.must(err)
}

func (b *busy) merchants() {
	limit := 60
	for id, n := range map[authority.MerchantID]authority.NewMerchant{"4259": {Name: "Acme Ltd", KeyLimit: &limit}, "4711": {Name: "Blue Bottle Trading"}, "4712": {Name: "Suspended & Sons"}} {
		n.ID = id
		_, err := b.auth.CreateMerchant(b.t.Context(), shell, n)
		b.must(err)
	}
	_, err := b.auth.SuspendMerchant(b.t.Context(), shell, "4712", 0)
	b.must(err)
	for i := range 60 {
		_, err := b.auth.CreateMerchant(b.t.Context(), shell, authority.NewMerchant{ID: authority.MerchantID(strconv.Itoa(5000 + i)), Name: names[i%len(names)] + " " + places[i/len(names)%len(places)]})
		b.must(err)
	}
}

var (
	names  = []string{"Alpine Outfitters", "Birch & Bloom", "Cobalt Coffee Roasters", "Dune Cycles", "Elm Street Books", "Fjord Sailing School", "Granary", "Harbour Lights"}
	places = []string{"London", "Leeds", "Lyon", "Lisbon", "Lübeck", "Łódź", "Luleå", "Llanfairpwllgwyngyll"}
)

func (b *busy) people() {
	m, err := b.accounts.CreateUser(b.t.Context(), shell, account.NewUser{Email: "vic@example.com", Name: "Vic Viewer", Memberships: []account.Membership{{MerchantID: "4259", Role: account.Viewer}}})
	b.must(err)
	b.Member = m.ID
	for i := range 55 {
		n := account.NewUser{Email: fmt.Sprintf("person.%d@example.com", i), Name: names[i%len(names)] + fmt.Sprint(" ", i), Memberships: []account.Membership{{MerchantID: "4259", Role: account.Viewer}}}
		if i == 0 {
			n.Name, n.Email = "Wolfeschlegelsteinhausenbergerdorff-Featherstonehaugh the Younger", "a.very.long.address.that.somebody.really.has@subdomain.of.a.long.domain.example.com"
		}
		u, err := b.accounts.CreateUser(b.t.Context(), shell, n)
		b.must(err)
		if i == 1 {
			_, err := b.accounts.DisableUser(b.t.Context(), shell, u.ID, 0)
			b.must(err)
		}
	}
	for _, n := range []account.NewInvitation{{Email: "new@example.com", MerchantID: "4259", Role: account.Administrator}, {Email: "newer@example.com", MerchantID: "4259", Role: account.Viewer}, {Email: "operator@example.com", Role: account.Operator}} {
		_, err := b.accounts.Invite(b.t.Context(), shell, n)
		b.must(err)
	}
}

// signIn makes a user who is signed in, and returns the cookie of the session.
func (b *busy) signIn(n account.NewUser) string {
	b.t.Helper()
	u, err := b.accounts.CreateUser(b.t.Context(), shell, n)
	b.must(err)
	l, err := b.accounts.ResetUser(b.t.Context(), shell, u.ID, 0)
	b.must(err)
	e, err := b.accounts.UseLink(b.t.Context(), account.Origin{Address: "192.0.2.7", Agent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}, l.Token, account.Person{Password: password}, "")
	b.must(err)
	harness.NoteSession("=" + e.Token.Reveal())
	return e.Token.Reveal()
}

// guest is a session in the console of the merchant, by a link of the platform.
func (b *busy) guest(id authority.MerchantID) string {
	b.t.Helper()
	l, err := b.accounts.PortalLink(b.t.Context(), shell, id)
	b.must(err)
	e, err := b.accounts.UseLink(b.t.Context(), account.Origin{}, l.Token, account.Person{}, "")
	b.must(err)
	harness.NoteSession("=" + e.Token.Reveal())
	return e.Token.Reveal()
}

func (b *busy) create(n authority.NewAPIKey) (authority.ClientID, credential.Secret) {
	b.t.Helper()
	n.MerchantID = "4259"
	k, secret, err := b.auth.CreateAPIKey(b.t.Context(), shell, n)
	b.must(err)
	harness.NoteSecret(secret.Reveal())
	return k.ID, secret
}

func (b *busy) keys() {
	for i := range 52 {
		b.create(authority.NewAPIKey{Env: "demo", Name: fmt.Sprintf("Integration test of branch %d", i), Scopes: []string{"customers:read"}})
	}
	b.create(authority.NewAPIKey{Env: "production", Name: "Checkout", Scopes: []string{"customers:read", "orders:write"}})
	soon, _ := b.create(authority.NewAPIKey{Env: "demo", Name: "Newsletter, until the campaign ends", Scopes: []string{"customers:read"}, ExpiresAt: time.Now().Add(9 * 24 * time.Hour)})
	b.use(soon, 1, 3)
	disabled, _ := b.create(authority.NewAPIKey{Env: "demo", Name: "Support desk", Scopes: []string{"customers:read"}})
	_, err := b.auth.DisableAPIKey(b.t.Context(), shell, disabled, 0)
	b.must(err)
	leaked, secret := b.create(authority.NewAPIKey{Env: "demo", Name: "Mobile application, Android and iOS, all stores and countries, since 2019, a name of 100", Scopes: []string{"customers:read"}})
	b.must(b.auth.ReportLeakedSecret(b.t.Context(), shell, secret.Reveal(), "https://code.example.com/acme/shop/blob/main/config.js#L12"))
	b.use(leaked, 1, 2)
	b.Idle, _ = b.create(authority.NewAPIKey{Env: "demo", Name: "Warehouse trial", Scopes: []string{"orders:read"}})
	b.Key, _ = b.create(authority.NewAPIKey{
		Env: "demo", Name: "Orders sync, warehouse", Description: "Sends each order to the warehouse, and reads back what was shipped.",
		Scopes: []string{"customers:read", "customers:write", "coupons:read", "orders:read", "orders:write", "orders:delete"}, AllowedCIDRs: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")},
	})
	_, second, err := b.auth.RotateSecret(b.t.Context(), shell, b.Key, authority.Rotation{Name: "second warehouse", Overlap: 24 * time.Hour})
	b.must(err)
	harness.NoteSecret(second.Reveal())
	b.use(b.Key, 1, 30)
	b.use(b.Key, 2, 10)
}

// use is that of a secret in the last days.
func (b *busy) use(id authority.ClientID, secret int64, days int) {
	var uses []authority.Use
	now := time.Now()
	for i := range days {
		at := now.AddDate(0, 0, -i)
		for n, outcome := range []authority.Outcome{authority.Issued, authority.Outcome(authority.WrongSecret), authority.Outcome(authority.ScopeNotHeld), authority.Outcome(authority.OtherAddress)} {
			count := int64(3000+i*i*37%1900) / int64(1+n*n*17)
			uses = append(uses, authority.Use{ClientID: id, Env: "demo", SecretID: secret, Outcome: outcome, Hour: at.Truncate(time.Hour), Count: count, At: at, Address: "192.0.2.44"})
		}
	}
	b.must(b.store.AddUsage(b.t.Context(), uses, func(authority.EventKind, *authority.Use, authority.MerchantID) *authority.Draft { return nil }))
}
