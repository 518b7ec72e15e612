package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tokenwright/tokenwright/verify"
)

func (a *app) verifyTokenCommand() *cobra.Command {
	var issuer, audience string
	c := a.command("verify", "Verify an access token against its issuer; reads it from standard input", func(ctx context.Context, _ []string) error {
		return a.verifyToken(ctx, issuer, audience)
	})
	explained(c, `Verify an access token as an API does, and say which check it fails: signing keys
and revocations are read from the issuer. The token is read from standard input.

Exit code 0 means that the token is to be accepted, 1 that it is not, or that the
issuer could not be asked.`,
		`tokenwright token get | tokenwright token verify
tokenwright token verify --issuer https://auth.example.com/demo < token.txt`)
	c.Flags().StringVar(&issuer, "issuer", "", "`URL` of the issuer (default: the token's own, if it is at the server of --url)")
	c.Flags().StringVar(&audience, "audience", "", "`URL` that the token must be for (default: <issuer>/api)")
	a.configFlags(c.Flags(), "url")
	return c
}

// checks are what verification looks at, in its order, and the error of each.
var checks = []struct {
	name, good string
	failures   []error
}{
	{"form", "a signed token with the claims of an access token", []error{verify.ErrMalformed}},
	{"algorithm", "one that is accepted", []error{verify.ErrAlgorithm}},
	{"type", "an access token", []error{verify.ErrType}},
	{"signing key", "one of the issuer's", []error{verify.ErrKey}},
	{"signature", "right", []error{verify.ErrSignature}},
	{"issuer", "as it should be", []error{verify.ErrIssuer}},
	{"audience", "as it should be", []error{verify.ErrAudience}},
	{"time", "neither too early nor too late", []error{verify.ErrExpired, verify.ErrNotYet}},
	{"revocation", "not revoked", []error{verify.ErrRevoked}},
}

// verification is what is shown as JSON.
type verification struct {
	Valid  bool   `json:"valid"`
	Failed string `json:"failed,omitempty"` // the name of a check
	Reason string `json:"reason,omitempty"`
	Issuer string `json:"issuer"`
}

func (a *app) verifyToken(ctx context.Context, issuer, audience string) error {
	token, err := a.readToken()
	if err != nil {
		return err
	}
	if issuer == "" {
		if issuer, err = a.issuerOf(token); err != nil {
			return err
		}
	}
	if audience == "" {
		audience = issuer + "/api"
	}
	client, err := a.httpClient()
	if err != nil {
		return err
	}
	verifier, err := verify.New(ctx, verify.Config{
		Issuer: issuer, Audience: audience, HTTPClient: client, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	defer verifier.Close()
	claims, err := verifier.Verify(ctx, token)
	if err != nil && !errors.Is(err, verify.ErrInvalid) {
		return err
	}
	return a.showVerification(issuer, claims, err)
}

// issuerOf believes a token that it comes from the configured server, and from
// no other: whoever wrote it could have us ask anybody.
func (a *app) issuerOf(token string) (string, error) {
	_, claims, err := parseToken(token)
	if err != nil {
		return "", notAToken(err)
	}
	if server := a.serverURL(); claims.Issuer == server || strings.HasPrefix(claims.Issuer, server+"/") {
		return claims.Issuer, nil
	}
	return "", usageError{"the token does not name an issuer at " + a.serverURL() + "; say with --issuer whose it should be"}
}

func (a *app) showVerification(issuer string, claims *verify.Claims, problem error) error {
	result, failed := verification{Valid: problem == nil, Issuer: issuer}, len(checks)
	for i := range checks {
		for _, failure := range checks[i].failures {
			if errors.Is(problem, failure) {
				failed, result.Failed, result.Reason = i, checks[i].name, problem.Error()
			}
		}
	}
	err := a.print(result, func(w io.Writer) {
		s := styleOf(a.stdout, a.environ)
		for i := range checks[:failed] {
			row(w, "ok", checks[i].name, checks[i].good)
		}
		if problem != nil {
			row(w, "FAILED", checks[failed].name, problem)
			return
		}
		fmt.Fprintln(w, s.good("The token is to be accepted.")+" It expires "+inWords(claims.Expiry, time.Now())+".")
	})
	if err == nil && problem != nil {
		err = errReported
	}
	return err
}
