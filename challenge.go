package tokenwright

import (
	"net/http"
	"strings"
)

// isInvalidToken tells whether an answer refuses the access token itself, as a
// Bearer challenge with this error does (RFC 6750 3.1).
func isInvalidToken(resp *http.Response) bool {
	if resp.StatusCode != http.StatusUnauthorized {
		return false
	}
	for _, line := range resp.Header["Www-Authenticate"] {
		p := challenges{rest: line}
		for p.next() {
			if strings.EqualFold(p.scheme, "Bearer") && strings.EqualFold(p.name, "error") && p.value == "invalid_token" {
				return true
			}
		}
	}
	return false
}

// challenges walks over the parameters of the challenges in one header line
// (RFC 9110 11.6.1). Commas part both challenges and parameters: only what
// follows a name tells which it is.
type challenges struct {
	rest                string
	scheme, name, value string // of the parameter found last
}

// next finds a parameter; false at the end, or where the line is not understood.
func (c *challenges) next() bool {
	for {
		c.rest = strings.TrimLeft(c.rest, " \t,")
		word := c.token()
		if word == "" {
			return false
		}
		if after := strings.TrimLeft(c.rest, " \t"); c.scheme != "" && strings.HasPrefix(after, "=") {
			c.name, c.rest = word, strings.TrimLeft(after[1:], " \t")
			return c.readValue()
		}
		c.scheme = word
		c.skipToken68()
	}
}

// token takes what has the form of a token (RFC 9110 5.6.2) from the beginning.
func (c *challenges) token() string {
	end := 0
	for end < len(c.rest) && isTokenByte(c.rest[end]) {
		end++
	}
	word := c.rest[:end]
	c.rest = c.rest[end:]
	return word
}

func isTokenByte(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || strings.IndexByte("!#$%&'*+-.^_`|~", b) >= 0
}

// skipToken68 skips what some schemes have instead of parameters, such as the
// base64 of Negotiate: it ends at a comma or at the end of the line.
func (c *challenges) skipToken68() {
	rest := strings.TrimLeft(c.rest, " \t")
	if len(rest) == len(c.rest) {
		return
	}
	word, after, _ := strings.Cut(rest, ",")
	if word = strings.TrimRight(word, " \t"); isBearerToken(word) { // the same grammar
		c.rest = after
	}
}

func (c *challenges) readValue() bool {
	if !strings.HasPrefix(c.rest, `"`) {
		c.value = c.token()
		return c.value != ""
	}
	var value strings.Builder
	for i := 1; i < len(c.rest); i++ {
		switch b := c.rest[i]; {
		case b == '"':
			c.value, c.rest = value.String(), c.rest[i+1:]
			return true
		case b == '\\' && i+1 < len(c.rest):
			i++
			value.WriteByte(c.rest[i])
		default:
			value.WriteByte(b)
		}
	}
	return false
}
