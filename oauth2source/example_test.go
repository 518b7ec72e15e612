package oauth2source_test

import (
	"context"
	"fmt"
	"net/http"

	"golang.org/x/oauth2"

	"github.com/tokenwright/tokenwright"
	"github.com/tokenwright/tokenwright/oauth2source"
)

func Example() {
	ctx := context.Background()
	source, err := tokenwright.Config{
		URL:              "https://auth.example.com",
		ClientID:         "twc_demo_x",
		ClientSecretFile: "/run/secrets/tokenwright",
	}.TokenSource(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	client := &http.Client{Transport: &oauth2.Transport{Source: oauth2source.New(ctx, source)}}
	_ = client // client.Get("https://api.example.com/customers")
	// Output:
}
