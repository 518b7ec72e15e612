package tokenwright

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"time"
)

// redacted stands for every secret and token.
const redacted = "[secret]"

// hide returns what may be shown of a secret: whether it is there.
func hide(secret string) string {
	if secret == "" {
		return ""
	}
	return redacted
}

// shownConfig is what may be shown of a Config.
type shownConfig struct {
	URL, Issuer, ClientID, ClientSecret, ClientSecretFile string
	Scopes                                                []string
	Resource                                              string
	RetryFor                                              time.Duration
	AllowHTTP                                             bool
}

func (c Config) shown() shownConfig {
	return shownConfig{
		URL: c.URL, Issuer: c.Issuer, ClientID: c.ClientID, ClientSecret: hide(c.ClientSecret), ClientSecretFile: c.ClientSecretFile,
		Scopes: c.Scopes, Resource: c.Resource, RetryFor: c.RetryFor, AllowHTTP: c.AllowHTTP,
	}
}

// String shows the configuration without the secret, as do the methods below.
func (c Config) String() string { return fmt.Sprintf("tokenwright.Config%+v", c.shown()) }

// GoString implements fmt.GoStringer.
func (c Config) GoString() string { return c.String() }

// Format implements fmt.Formatter, for all verbs.
func (c Config) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// LogValue implements slog.LogValuer.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalJSON implements json.Marshaler.
func (c Config) MarshalJSON() ([]byte, error) { return json.Marshal(c.shown()) }

// shownToken is what may be shown of a Token.
type shownToken struct {
	AccessToken   string
	Expiry        time.Time
	Scopes        []string
	SecretExpires time.Time
}

func (t Token) shown() shownToken {
	return shownToken{hide(t.AccessToken), t.Expiry, t.Scopes, t.SecretExpires}
}

// String shows all but the access token, as do the methods below.
func (t Token) String() string { return fmt.Sprintf("tokenwright.Token%+v", t.shown()) }

// GoString implements fmt.GoStringer.
func (t Token) GoString() string { return t.String() }

// Format implements fmt.Formatter, for all verbs.
func (t Token) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, t.String()) }

// LogValue implements slog.LogValuer.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.String()) }

// MarshalJSON implements json.Marshaler.
func (t Token) MarshalJSON() ([]byte, error) { return json.Marshal(t.shown()) }

// Format implements fmt.Formatter: a source holds a secret and tokens.
func (s *source) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "tokenwright.TokenSource{"+s.config.ClientID+"}")
}

// LogValue implements slog.LogValuer.
func (s *source) LogValue() slog.Value { return slog.AnyValue(fmt.Sprint(s)) }
