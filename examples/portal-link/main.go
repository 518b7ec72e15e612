// Command portal-link is the button "API keys" in a product of your own: whoever
// presses it is led into the console, as an administrator of its merchant.
//
//	go run ./examples/portal-link 4259
package main

import (
	"cmp"
	"context"
	"log"
	"net/http"
	"os"

	"github.com/tokenwright/tokenwright"
	"github.com/tokenwright/tokenwright/admin"
)

func main() {
	url := os.Getenv("TOKENWRIGHT_URL")
	tokens := tokenwright.Config{
		URL: url, Resource: url + "/admin", // management scopes come only when they are asked for
		ClientID: os.Getenv("TOKENWRIGHT_CLIENT_ID"), ClientSecretFile: os.Getenv("TOKENWRIGHT_CLIENT_SECRET_FILE"),
	}
	client := &admin.Client{URL: url, HTTPClient: tokens.Client(context.Background())}
	http.HandleFunc("POST /api-keys", func(w http.ResponseWriter, r *http.Request) {
		link, err := client.CreatePortalLink(r.Context(), merchantOf(r))
		if err != nil {
			log.Print(err)
			http.Error(w, "The API keys cannot be shown just now. Try again in a moment.", http.StatusBadGateway)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		http.Redirect(w, r, link.URL, http.StatusSeeOther) // to whoever has asked, and to nobody else
	})
	log.Fatal(http.ListenAndServe(cmp.Or(os.Getenv("PORTAL_LISTEN"), "localhost:8000"), nil))
}

// merchantOf stands for what your product knows: which merchant the person works
// for who has signed in, and that it may manage API keys.
func merchantOf(*http.Request) admin.MerchantID { return admin.TextID(os.Args[1]) }
