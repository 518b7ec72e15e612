// Package tokenwright keeps a client application supplied with access tokens: it
// exchanges the client ID and secret of an API key for one, renews it before it
// expires, and attaches it to requests.
//
//	client := tokenwright.Config{
//		URL:              "https://auth.example.com",
//		ClientID:         os.Getenv("TOKENWRIGHT_CLIENT_ID"),
//		ClientSecretFile: "/run/secrets/tokenwright",
//	}.Client(ctx)
//	resp, err := client.Get("https://api.example.com/customers")
//
// Whoever attaches tokens otherwise takes a TokenSource:
//
//	source, err := config.TokenSource(ctx)
//	...
//	token, err := source.Token(ctx)
//
// # What it does
//
// All callers share one token and one exchange (RFC 6749 section 4.4). After
// about four fifths of the token's life a new one is fetched in the background,
// at a moment that differs from process to process. Nobody waits for it, and the
// old one goes on if the server cannot be reached. A token that has expired is
// never handed out. A source that nobody uses fetches nothing.
//
// A server that is overloaded or away is asked again, more and more seldom, or
// as its Retry-After says. One that refuses the API key is left alone for a
// second, then longer, up to a minute, unless the secret has changed.
//
// Time is measured by the monotonic clock. Setting the wall clock neither ends
// tokens nor prolongs them. On a machine that slept, a token may have expired
// unnoticed: the answer of the API, 401 with invalid_token, makes Transport fetch
// another.
//
// There is nothing to close. What runs in the background ends with the context
// given to TokenSource or Client; without use it ends by itself.
//
// # Secrets
//
// Secrets and tokens are in no error, log record or URL of this package. Config
// and Token print without them in JSON, in slog and under the verbs of fmt, save
// %w, which is for errors. As a field that is not exported, fmt prints any value
// without asking it: there, hold a pointer.
//
// It must know nothing of the server but its token endpoint, and brings no other
// module with it.
package tokenwright
