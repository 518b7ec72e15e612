package tokenwright

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// Transport is an http.RoundTripper that attaches an access token to each request
// (RFC 6750 section 2.1). Source is needed.
//
// A request that has an Authorization header of its own is an error, and so is one
// over http to a host that is not loopback: neither is sent.
//
// What an http.Client sends because it was redirected gets no token once another
// scheme, host or port than that of the first request has come into it: who
// redirects does not choose who receives tokens.
//
// Where the answer is 401 and says invalid_token (RFC 6750 section 3.1), Source is
// asked for another token and the request is sent once more, provided that its
// body can be read again: it has none, or GetBody, as http.NewRequest sets it for
// bytes and strings. Otherwise, and where there is no other token, the caller
// gets the answer as it came. This needs a Source with the method
//
//	Replace(ctx context.Context, refused *Token) (*Token, error)
//
// such as those of Config. It returns a token other than the refused one; nil
// says that there is none. With Sources that lack it nothing is sent again.
type Transport struct {
	// Source has the tokens.
	Source TokenSource
	// Base sends the requests; nil stands for http.DefaultTransport.
	Base http.RoundTripper
	// AllowHTTP attaches tokens also to requests over http to hosts that are not
	// loopback, where everybody on the way can read them: only inside a network
	// that you trust.
	AllowHTTP bool
}

// replacer is what Source may be as well.
type replacer interface {
	Replace(ctx context.Context, refused *Token) (*Token, error)
}

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if hasLeft(r) {
		return t.pass(r, r)
	}
	token, err := t.tokenFor(r)
	if err != nil {
		if r.Body != nil {
			_ = r.Body.Close() // as RoundTripper must, on errors too
		}
		return nil, err
	}
	resp, err := t.send(r, token)
	if err != nil || !isInvalidToken(resp) {
		return resp, err
	}
	return t.replay(r, token, resp)
}

// CloseIdleConnections makes that method of http.Client work.
func (t *Transport) CloseIdleConnections() {
	if c, ok := t.base().(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

func (t *Transport) base() http.RoundTripper {
	if t.Base == nil {
		return http.DefaultTransport
	}
	return t.Base
}

// tokenFor looks whether a request may have a token, and gets it.
func (t *Transport) tokenFor(r *http.Request) (*Token, error) {
	switch _, given := r.Header["Authorization"]; {
	case t.Source == nil:
		return nil, errors.New("tokenwright: Transport has no Source")
	case given:
		return nil, errors.New("tokenwright: the request has an Authorization header of its own")
	case r.URL == nil:
		return nil, errors.New("tokenwright: the request has no URL")
	case r.URL.Scheme == "https", t.AllowHTTP, isLoopback(r.URL.Hostname()):
		return t.Source.Token(r.Context())
	}
	return nil, errors.New("tokenwright: access tokens are not sent over " + r.URL.Scheme + " to " + r.URL.Hostname())
}

// send sends a copy of a request, with the token. The answer names the request
// without it, for who logs that.
func (t *Transport) send(r *http.Request, token *Token) (*http.Response, error) {
	clone := r.Clone(r.Context())
	if clone.Header == nil {
		clone.Header = http.Header{}
	}
	clone.Header.Set("Authorization", "Bearer "+token.AccessToken)
	return t.pass(clone, r)
}

// pass sends a request as it is, on behalf of another. The answer names that one,
// whether Base does so or not: it is how redirects are known.
func (t *Transport) pass(r, on *http.Request) (*http.Response, error) {
	resp, err := t.base().RoundTrip(r)
	if resp != nil {
		resp.Request = on
	}
	return resp, err
}

// replay sends a request again whose token was refused, if there is another one;
// once (C-252).
func (t *Transport) replay(r *http.Request, refused *Token, resp *http.Response) (*http.Response, error) {
	source, ok := t.Source.(replacer)
	if !ok || r.Body != nil && r.Body != http.NoBody && r.GetBody == nil {
		return resp, nil
	}
	token, err := source.Replace(r.Context(), refused)
	if err != nil || token == nil || token.AccessToken == refused.AccessToken {
		return resp, nil
	}
	again := r
	if r.GetBody != nil {
		body, err := r.GetBody()
		if err != nil {
			return resp, nil
		}
		again = r.WithContext(r.Context())
		again.Body = body
	}
	discard(resp)
	resp, err = t.send(again, token)
	if resp != nil {
		resp.Request = r
	}
	return resp, err
}

// discard reads the little that an answer may still have, so that its connection
// serves again.
func discard(resp *http.Response) {
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10)
	_ = resp.Body.Close()
}

// hasLeft tells whether redirects have led a request away from where the first
// one went, even if they have led back. What stands around a Transport may answer
// without saying which request that was: then nobody knows, and it may have.
func hasLeft(r *http.Request) bool {
	for last := r; last.Response != nil; {
		last = last.Response.Request
		if last == nil || !sameOrigin(r.URL, last.URL) {
			return true
		}
	}
	return false
}

func sameOrigin(a, b *url.URL) bool {
	return a != nil && b != nil && a.Scheme == b.Scheme && strings.EqualFold(address(a), address(b))
}

// address is host and port, the scheme's where none is written.
func address(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}
