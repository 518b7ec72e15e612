package admin_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/tokenwright/tokenwright"
	"github.com/tokenwright/tokenwright/admin"
)

// An API key with management scopes gets access tokens for the admin API where
// the Resource says so.
func ExampleClient() {
	ctx := context.Background()
	tokens := tokenwright.Config{
		URL:              "https://auth.example.com",
		ClientID:         os.Getenv("TOKENWRIGHT_CLIENT_ID"),
		ClientSecretFile: "/run/secrets/tokenwright",
		Resource:         "https://auth.example.com/admin",
	}
	client := &admin.Client{URL: tokens.URL, HTTPClient: tokens.Client(ctx)}

	key, err := client.CreateAPIKey(ctx, admin.NewAPIKey{
		MerchantID: admin.NumberID("4259"), Env: "demo", Name: "Orders sync", Scopes: []string{"customers:read"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(key.ClientID) // key.ClientSecret is in this answer alone
}

// Lists are read page by page, as far as the loop goes.
func ExampleClient_APIKeys() {
	client := &admin.Client{URL: "https://auth.example.com"} // and the HTTPClient
	for key, err := range client.APIKeys(context.Background(), admin.APIKeyFilter{Env: "production", Status: "active"}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(key.ClientID, key.Name)
	}
}

// A change that was made to an older version than the current one is refused.
func ExampleClient_UpdateMerchant() {
	ctx := context.Background()
	client := &admin.Client{URL: "https://auth.example.com"} // and the HTTPClient
	merchant, err := client.Merchant(ctx, admin.NumberID("4259"))
	if err != nil {
		fmt.Println(err)
		return
	}
	more := merchant.KeyLimit + 1
	_, err = client.UpdateMerchant(ctx, merchant.ID, admin.MerchantUpdate{KeyLimit: &more, IfVersion: merchant.Version})
	if refused, ok := errors.AsType[*admin.Error](err); ok && refused.Status == http.StatusPreconditionFailed {
		fmt.Println("somebody else was first: read it again")
	}
}
