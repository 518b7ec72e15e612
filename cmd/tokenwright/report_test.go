package main

import (
	"bytes"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/tokenwright/tokenwright/admin"
)

// The report of ordinary API keys fits into a terminal of 160 columns, and shows
// what an auditor asks for.
func TestTheReportFitsIntoATerminal(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) *time.Time { at := now.Add(-d); return &at }
	in := func(d time.Duration) *time.Time { return ago(-d) }
	list := []admin.APIKeyReport{
		{
			Name: "Orders sync", ClientID: "twc_production_0123456789abcdefghijkl", MerchantID: admin.NumberID("4259"), MerchantName: "Acme", Status: "active",
			Scopes: []string{"customers:read", "customers:write", "orders:read"}, CreatedBy: "cli:ops@host-1", LastUsedAt: ago(3 * day), Issued: 720, Refused: 3, Flags: []string{"old_secret"},
			Secrets: []admin.Secret{{CreatedAt: *ago(412 * day), ExpiresAt: ago(day)}, {CreatedAt: *ago(400 * day), RetiredAt: ago(day), ExpiresAt: in(day)}, {CreatedAt: *ago(25 * time.Hour)}},
		},
		{
			Name: "Ends", ClientID: "twc_production_1123456789abcdefghijkl", MerchantID: admin.NumberID("4259"), MerchantName: "Acme", Status: "disabled",
			CreatedBy: "cli:ops@host-1", ExpiresAt: in(29*day + time.Hour), SecretExpiresAt: in(90 * time.Minute), Flags: []string{"never_used", "expires_soon"},
		},
		{
			Name: strings.Repeat("ü", 100), ClientID: "twc_platform_2123456789abcdefghijkl", Scopes: []string{"merchants:read"}, Status: "active",
			CreatedBy: "api_key:twc_platform_0123456789abcdefghijkl", Flags: []string{"unused", "old_secret"},
		},
	}
	table := func(list []admin.APIKeyReport) []string {
		var b bytes.Buffer
		w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		reportTable(w, list, now)
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		return strings.Split(b.String(), "\n")
	}
	lines := table(list)
	for i, want := range []string{
		"NAME CLIENT ID MERCHANT SCOPES CREATED BY SECRET AGE LAST USED TOKENS 30D LOOK AT",
		"Orders sync twc_production_0123456789abcdefghijkl 4259 Acme customers:read,write or… cli:ops@host-1 400d, 1d 3d ago 720, 3 refused old secret",
		"Ends twc_production_1123456789abcdefghijkl 4259 Acme - cli:ops@host-1 - never 0 disabled, never used, expires soon (1h)",
		strings.Repeat("ü", 19) + "… twc_platform_2123456789abcdefghijkl (operator) merchants:read api_key:…fghijkl - never 0 unused, old secret",
	} {
		if got := strings.Join(strings.Fields(lines[i]), " "); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
	for _, line := range table(list[:1]) {
		if n := utf8.RuneCountInString(line); n > 160 {
			t.Errorf("a line of %d columns:\n%s", n, line)
		}
	}
}
