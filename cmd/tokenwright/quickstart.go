package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/console"
	"github.com/tokenwright/tokenwright/internal/jose"
	"github.com/tokenwright/tokenwright/internal/store"
)

const (
	quickstartMerchant = "4259"
	quickstartName     = "Quickstart"
	quickstartFile     = "quickstart.json"
)

// quickstartScopes is the catalogue of the published guide.
var quickstartScopes = []authority.Scope{
	{Name: "customers:read", Description: "Look up customers"},
	{Name: "customers:write", Description: "Create and change customers"},
	{Name: "coupons:read", Description: "Look up coupons"},
	{Name: "rewards:delete", Description: "Cancel rewards"},
}

func (a *app) quickstartCommand() *cobra.Command {
	var once bool
	c := a.command("quickstart", "Start with an example merchant and API key, and show a real token request",
		func(ctx context.Context, _ []string) error {
			if a.config.onPostgres() {
				return usageError{"quickstart uses the embedded database; tokenwright serve is for PostgreSQL"}
			}
			return a.serve(ctx, store.Options{Create: true}, func(ctx context.Context, o *openNode) error {
				if err := a.quickstart(ctx, o); err != nil {
					return err
				}
				if once {
					return errFinished
				}
				if a.output == "table" {
					fmt.Fprintln(a.stdout, "\nServing until Ctrl-C.")
				}
				return nil
			})
		})
	explained(c, `Start a server on the embedded database with merchant 4259, the scopes of the guide
and one API key for demo (kept in quickstart.json in the data directory), ask it for
a token as an application would, and show request, answer and claims.

It is a whole server, with console and admin API. What you make there stays in the
data directory, and is there again at the next start, also of tokenwright serve.`,
		`tokenwright quickstart
# In a script: show the token as JSON, and end.
tokenwright quickstart --once -o json`)
	c.Flags().BoolVar(&once, "once", false, "end after showing the token")
	a.configFlags(c.Flags())
	// What people read here is the request and its answer; the log is for when something
	// goes wrong.
	a.otherDefaults(c, func(c *Config) { c.LogLevel = "warn" })
	return c
}

// quickstartKey is what quickstart.json keeps.
type quickstartKey struct {
	URL          string `json:"url"`
	MerchantID   string `json:"merchantId"`
	Env          string `json:"env"`
	ClientID     string `json:"clientId"`
	ClientSecret string `json:"clientSecret"`
}

func (a *app) quickstart(ctx context.Context, o *openNode) error {
	key, err := a.quickstartKey(ctx, o.auth)
	if err != nil {
		return fmt.Errorf("making the example: %w", err)
	}
	request := tokenRequest{ClientID: key.ClientID, ClientSecret: key.ClientSecret, GrantType: "client_credentials"}
	answer, err := a.requestToken(ctx, request)
	if err != nil {
		return err
	}
	message, err := jose.Parse(answer.accessToken)
	if err != nil {
		return fmt.Errorf("reading our own token: %w", err)
	}
	body, err := json.Marshal(request)
	if err != nil {
		return err
	}
	setUp, err := a.setUpURL(ctx, o)
	if err != nil {
		return err
	}
	address := a.config.URL + "/api/oauth/token"
	if a.output == "json" {
		return a.print(map[string]any{
			"url": a.config.URL, "tokenEndpoint": address, "request": json.RawMessage(body),
			"answer": json.RawMessage(answer.raw), "claims": json.RawMessage(message.Payload), "console": cmp.Or(setUp, a.config.URL+console.Root),
		}, nil)
	}
	s := styleOf(a.stdout, a.environ)
	fmt.Fprintf(a.stdout, "%s at %s, data in %s\n\n", s.bold(s.good("Tokenwright is running")), s.bold(a.config.URL), a.config.Data)
	fmt.Fprintf(a.stdout, "%s\n", s.bold("An application exchanges its client ID and secret for an access token:"))
	fmt.Fprintf(a.stdout, "  curl -X POST %s \\\n    -H 'Content-Type: application/json' \\\n    -d '%s'\n\n", address, body)
	fmt.Fprintf(a.stdout, "%s\n%s\n\n", s.bold("The answer just now:"), indented(answer.raw))
	fmt.Fprintf(a.stdout, "%s\n%s\n\n", s.bold("What the token says:"), indented(message.Payload))
	a.showNext(s, key, setUp)
	return nil
}

func (a *app) showNext(s style, key *quickstartKey, setUp string) {
	fmt.Fprintln(a.stdout, s.bold("Next:"))
	pages := [2]string{"the console", a.config.URL + console.Root}
	if setUp != "" {
		pages = [2]string{"the console (link works once)", setUp}
	}
	for _, line := range [][2]string{
		pages,
		{"the guide", a.config.URL + "/docs"},
		{"keys that verify the token", a.config.URL + "/" + key.Env + "/oauth/jwks"},
		{"metadata for libraries", a.config.URL + "/.well-known/oauth-authorization-server/" + key.Env},
		{"this API key, kept in", filepath.Join(a.config.Data, quickstartFile)},
		{"another API key", fmt.Sprintf("tokenwright key create --merchant %s --env %s --name \"Orders sync\" --scope customers:read", key.MerchantID, key.Env)},
	} {
		fmt.Fprintf(a.stdout, "  %s  %s\n", s.dim(fmt.Sprintf("%-29s", line[0])), line[1])
	}
}

// quickstartKey returns the API key of the example: the one of an earlier
// start, as long as it works, or a new one.
func (a *app) quickstartKey(ctx context.Context, auth *authority.Authority) (*quickstartKey, error) {
	path := filepath.Join(a.config.Data, quickstartFile)
	if data, err := os.ReadFile(path); err == nil {
		var key quickstartKey
		if json.Unmarshal(data, &key) == nil {
			if _, err := auth.IssueToken(&authority.TokenRequest{ClientID: key.ClientID, ClientSecret: key.ClientSecret}); err == nil {
				return &key, nil
			}
		}
	}
	actor := commandActor()
	env := auth.Environments()[0].Name
	if err := a.quickstartCatalogue(ctx, auth, actor); err != nil {
		return nil, err
	}
	if err := deleteLost(ctx, auth, actor, env); err != nil {
		return nil, err
	}
	k, secret, err := auth.CreateAPIKey(ctx, actor, authority.NewAPIKey{
		MerchantID: quickstartMerchant, Env: env, Name: quickstartName, Description: "Made by tokenwright quickstart",
		Scopes: []string{"customers:read", "customers:write"},
	})
	if err != nil {
		return nil, err
	}
	key := &quickstartKey{URL: a.config.URL, MerchantID: quickstartMerchant, Env: env, ClientID: string(k.ID), ClientSecret: secret.Reveal()}
	data, err := json.MarshalIndent(key, "", "  ")
	if err != nil {
		return nil, err
	}
	return key, writePrivate(path, data, os.Rename)
}

func (a *app) quickstartCatalogue(ctx context.Context, auth *authority.Authority, actor authority.Actor) error {
	if _, err := auth.CreateMerchant(ctx, actor, authority.NewMerchant{ID: quickstartMerchant, Name: "Example merchant"}); err != nil && !errors.Is(err, authority.ErrExists) {
		return err
	}
	for _, s := range quickstartScopes {
		if _, err := auth.CreateScope(ctx, actor, s); err != nil && !errors.Is(err, authority.ErrExists) {
			return err
		}
	}
	return nil
}

// deleteLost deletes API keys of earlier starts whose secret nobody has any more.
func deleteLost(ctx context.Context, auth *authority.Authority, actor authority.Actor, env string) error {
	keys, err := auth.APIKeys(ctx, actor, authority.APIKeyFilter{MerchantID: quickstartMerchant, Env: env}, "", pageSize)
	if err != nil {
		return err
	}
	for i := range keys {
		if keys[i].Name == quickstartName {
			if err := auth.DeleteAPIKey(ctx, actor, keys[i].ID, 0); err != nil {
				return err
			}
		}
	}
	return nil
}
