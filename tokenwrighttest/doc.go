// Package tokenwrighttest is an authorization server for tests: it runs inside
// the test, is there in a millisecond, and misbehaves when told to.
//
// Whoever tests an API takes its issuer, its audience and its tokens:
//
//	iss := tokenwrighttest.New(t)
//	verifier, err := verify.New(t.Context(), verify.Config{Issuer: iss.URL, Audience: iss.Audience})
//	...
//	request.Header.Set("Authorization", "Bearer "+iss.Token())
//
// [Issuer.Token] takes claims, such as [Scopes] and [Merchant]; and
// [Issuer.BadTokens] are those that every API must refuse. Whoever tests a
// client of the token endpoint takes BaseURL, ClientID and ClientSecret.
//
// What ends tokens in the product ends them here: [Issuer.RevokeToken],
// [Issuer.RevokeClient], [Issuer.RevokeSigningKey], [Issuer.Restore]. Readers
// of the revocation feed that wait hear of it at once. [Issuer.Fail],
// [Issuer.Delay], [Issuer.Down] and [Issuer.Answer] make endpoints misbehave,
// and [Issuer.Requests] counts who asked.
//
// Tests of what happens in time run in a bubble of testing/synctest, with an
// issuer that is [InProcess] and a verifier whose HTTPClient is [Issuer.Client]:
// an outage of an hour takes a millisecond there.
//
// It has what verifiers and clients need: metadata (RFC 8414), JWKS (RFC 7517),
// the revocation feed, and the token endpoint (RFC 6749 4.4). It has no
// database, no introspection, no rate limit, and no rule about who may create
// API keys. Tokens and feeds are written by the code that writes the product's;
// the form of every other answer is held equal to it by tests.
package tokenwrighttest
