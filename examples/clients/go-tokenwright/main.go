// Command go-tokenwright calls an API with access tokens of Tokenwright, by the
// client SDK, which does all that the other examples do by hand. Each line of
// standard input is a path to call; all calls run at once and share one token:
//
//	echo /customers | go run ./examples/clients/go-tokenwright
package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tokenwright/tokenwright"
)

func main() {
	client := tokenwright.Config{
		URL:              os.Getenv("TOKENWRIGHT_URL"),
		ClientID:         os.Getenv("TOKENWRIGHT_CLIENT_ID"),
		ClientSecret:     os.Getenv("TOKENWRIGHT_CLIENT_SECRET"), // one of the two
		ClientSecretFile: os.Getenv("TOKENWRIGHT_CLIENT_SECRET_FILE"),
	}.Client(context.Background())
	client.Timeout = 40 * time.Second // longer than it waits for a token, where the server is away

	var calls sync.WaitGroup
	var failed atomic.Bool
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		path := lines.Text()
		calls.Go(func() {
			if err := call(client, path); err != nil {
				fmt.Fprintf(os.Stderr, "%s: %v\n", path, err)
				failed.Store(true)
			}
		})
	}
	calls.Wait()
	if failed.Load() {
		os.Exit(1)
	}
}

func call(client *http.Client, path string) error {
	response, err := client.Get(os.Getenv("API_URL") + path)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil { // yours to use
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", response.StatusCode)
	}
	fmt.Printf("%d %s\n", response.StatusCode, path)
	return nil
}
