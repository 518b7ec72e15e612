// Package oauth2source makes token sources of this module those of
// golang.org/x/oauth2, for libraries that want one. It is a package of its own so
// that nobody else gets that module with the client SDK.
//
// It must not cache, renew or judge tokens: the source behind it does.
package oauth2source

import (
	"context"

	"golang.org/x/oauth2"

	"github.com/tokenwright/tokenwright"
)

// New returns a source of the same tokens, with their Expiry and type Bearer. ctx
// bounds the waiting of every Token, which has no context there.
//
// It is safe for concurrent use and renews tokens early, so it is best used as it
// is, in &oauth2.Transport{Source: …}. oauth2.NewClient puts it into an
// oauth2.ReuseTokenSource, which keeps each token until 10 s before its expiry:
// then a request waits for the next one.
//
// Errors are those of source; oauth2.RetrieveError is not among them.
func New(ctx context.Context, source tokenwright.TokenSource) oauth2.TokenSource {
	return adapter{ctx, source}
}

type adapter struct {
	ctx    context.Context
	source tokenwright.TokenSource
}

// Token implements oauth2.TokenSource.
func (a adapter) Token() (*oauth2.Token, error) {
	t, err := a.source.Token(a.ctx)
	if err != nil {
		return nil, err
	}
	return &oauth2.Token{AccessToken: t.AccessToken, TokenType: "Bearer", Expiry: t.Expiry}, nil
}
