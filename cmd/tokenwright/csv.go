package main

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/tokenwright/tokenwright/admin"
)

// reportCSV writes a line for each secret, and one for an API key without any:
// so that its age and last use can be sorted and counted (RFC 4180).
func reportCSV(w io.Writer, list []admin.APIKeyReport) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	line := func(cells ...string) {
		for i := range cells {
			cells[i] = unformula(cells[i])
		}
		_ = out.Write(cells) // Error tells at the end
	}
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
	out.Flush()
	return out.Error()
}

// unformula keeps a spreadsheet from taking text that somebody has chosen for a
// formula (C-198). Tabs and line breaks, which can begin one too, become blanks;
// blanks before it do not count, nor does the width of the sign.
func unformula(text string) string {
	text = strings.Map(printable, text)
	if begin := strings.TrimLeftFunc(text, unicode.IsSpace); strings.IndexAny(begin, "=+-@＝＋－＠") == 0 {
		return "'" + text
	}
	return text
}

func iso(t *time.Time) string {
	if t == nil || t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
