package oauthapi

import (
	"net/url"
	"strings"
)

// formBody writes pairs of name and value in their order, twice where they
// stand twice.
func formBody(pairs ...string) string {
	parts := []string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		parts = append(parts, url.QueryEscape(pairs[i])+"="+url.QueryEscape(pairs[i+1]))
	}
	return strings.Join(parts, "&")
}

// jsonBody writes the same as an object of strings. Unlike encoding/json it
// leaves broken UTF-8 as it is.
func jsonBody(pairs ...string) string { return "{" + jsonMembers(pairs...) + "}" }

func jsonMembers(pairs ...string) string {
	parts := []string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		parts = append(parts, jsonString(pairs[i])+":"+jsonString(pairs[i+1]))
	}
	return strings.Join(parts, ",")
}

func jsonString(s string) string {
	const hex = "0123456789abcdef"
	b := []byte{'"'}
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < 0x20:
			b = append(b, `\u00`...)
			b = append(b, hex[c>>4], hex[c&15])
		default:
			b = append(b, c)
		}
	}
	return string(append(b, '"'))
}
