package main

import (
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/tokenwright/tokenwright/admin"
	"github.com/tokenwright/tokenwright/internal/plain"
)

// reportCSV writes a line for each secret, and one for an API key without any:
// so that its age and last use can be sorted and counted (RFC 4180).
func reportCSV(w io.Writer, list []admin.APIKeyReport) error {
	out := plain.NewCSV(w)
	line := func(cells ...string) { _ = out.Line(cells...) } // Close tells
	line("client_id", "name", "merchant_id", "merchant_name", "env", "status", "scopes", "created_at", "created_by", "expires_at",
		"last_used_at", "last_used_from", "issued_30d", "refused_30d", "flags",
		"secret_id", "secret_name", "secret_hint", "secret_created_at", "secret_created_by", "secret_expires_at", "secret_retired_at", "secret_last_used_at")
	for i := range list {
		k := &list[i]
		key := []string{k.ClientID, k.Name, k.MerchantID.String(), k.MerchantName, k.Env, k.Status, strings.Join(k.Scopes, " "), iso(&k.CreatedAt), k.CreatedBy,
			iso(k.ExpiresAt), iso(k.LastUsedAt), k.LastUsedFrom, strconv.FormatInt(k.Issued, 10), strconv.FormatInt(k.Refused, 10), strings.Join(k.Flags, " ")}
		if len(k.Secrets) == 0 {
			line(append(key, make([]string, 8)...)...)
		}
		for _, s := range k.Secrets {
			line(append(key[:len(key):len(key)], strconv.FormatInt(s.ID, 10), s.Name, s.Hint, iso(&s.CreatedAt), s.CreatedBy,
				iso(s.ExpiresAt), iso(s.RetiredAt), iso(s.LastUsedAt))...)
		}
	}
	return out.Close()
}

func iso(t *time.Time) string {
	if t == nil || t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
