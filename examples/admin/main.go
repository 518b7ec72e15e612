// Command admin provisions a merchant through the admin API: the merchant, an API
// key whose secret it writes into a file, a rotation of that, and what the audit
// log has to say about it.
//
//	go run ./examples/admin 4260
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/tokenwright/tokenwright"
	"github.com/tokenwright/tokenwright/admin"
)

func main() {
	ctx, url := context.Background(), os.Getenv("TOKENWRIGHT_URL")
	tokens := tokenwright.Config{
		URL: url, Resource: url + "/admin", // management scopes come only when they are asked for
		ClientID: os.Getenv("TOKENWRIGHT_CLIENT_ID"), ClientSecretFile: os.Getenv("TOKENWRIGHT_CLIENT_SECRET_FILE"),
	}
	if err := provision(ctx, &admin.Client{URL: url, HTTPClient: tokens.Client(ctx)}, admin.TextID(os.Args[1])); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func provision(ctx context.Context, client *admin.Client, merchant admin.MerchantID) error {
	if _, err := client.CreateMerchant(ctx, admin.NewMerchant{ID: merchant, Name: "Example"}); err != nil {
		return err
	}
	key, err := client.CreateAPIKey(ctx, admin.NewAPIKey{MerchantID: merchant, Env: "demo", Name: "Orders sync", Scopes: []string{"customers:read"}})
	if err != nil {
		return err
	}
	if key, err = client.RotateAPIKey(ctx, key.ID, admin.Rotation{Name: "second"}); err != nil { // the first works on for a day
		return err
	}
	if err := os.WriteFile(key.ID+".secret", []byte(key.ClientSecret+"\n"), 0o600); err != nil {
		return err
	}
	for event, err := range client.Events(ctx, admin.EventFilter{MerchantID: merchant}) {
		if err != nil {
			return err
		}
		fmt.Println(event.Seq, event.Kind, event.Subject)
	}
	return nil
}
