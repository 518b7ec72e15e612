package harness

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
)

// AskOnce asks for a token outside the goroutine of a test, and returns the
// local address of the connection that was used.
func AskOnce(client *http.Client, base string, key APIKey) (local string, err error) {
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {key.ClientID}, "client_secret": {key.ClientSecret}}
	r, err := http.NewRequest(http.MethodPost, base+"/oauth/token", strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
		GotConn: func(c httptrace.GotConnInfo) { local = c.Conn.LocalAddr().String() },
	}))
	resp, err := client.Do(r)
	if err != nil {
		return local, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return local, err
	}
	var a TokenAnswer
	if err := json.Unmarshal(body, &a); err != nil || a.AccessToken == "" {
		return local, fmt.Errorf("status %d: %s", resp.StatusCode, body)
	}
	NoteToken(a.AccessToken)
	return local, nil
}
