package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/tokenwright/tokenwright"
	"github.com/tokenwright/tokenwright/admin"
)

// manageRemote hands f the admin API of a server, with tokens of the API key in
// the environment.
func (a *app) manageRemote(ctx context.Context, f func(*admin.Client) error) error {
	id, secret, err := a.clientCredentials()
	if err != nil {
		return err
	}
	client, err := a.httpClient()
	if err != nil {
		return err
	}
	tokens := tokenwright.Config{
		URL: a.config.Server, ClientID: id, ClientSecret: secret, Resource: a.config.Server + "/admin", HTTPClient: client,
		RetryFor: -1, // somebody is waiting, who would rather hear at once that the server is away
	}
	return a.onTheWay(f(&admin.Client{URL: a.config.Server, HTTPClient: tokens.Client(ctx), PageSize: pageSize}))
}

// onTheWay says of what no server has answered which server it was.
func (a *app) onTheWay(err error) error {
	asked, ok := errors.AsType[*url.Error](err)
	if _, refused := errors.AsType[*tokenwright.Error](err); !ok || refused {
		return err
	}
	why := asked.Err
	if exchange, ok := errors.AsType[*url.Error](why); ok { // already the token was not to be had
		why = exchange.Err
	}
	return fmt.Errorf("asking %s: %w", a.config.Server, why)
}

// noServer refuses --server for a command that is about a database of its own.
func (a *app) noServer() error {
	if a.config.Server == "" {
		return nil
	}
	return usageError{"this command works on the database itself, not through a server: leave --server and TOKENWRIGHT_SERVER out"}
}

// explainNoToken says why the API key in the environment gets no access token,
// in the way of token get.
func explainNoToken(e *tokenwright.Error) string {
	if e.Code == "" {
		return e.Error()
	}
	text := refusalText(e.Code, e.Description, e.URI)
	if e.Code == "invalid_scope" {
		text += "\n  it needs management scopes: a merchant's may hold api-keys:read, api-keys:write and api-keys:delete, an operator key all"
	}
	return text
}
