package console

import (
	"encoding/json"
	"strings"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// sample is a way to ask for a token, to be copied. The secret is in none: they
// read it from the environment.
type sample struct{ ID, Name, Text string }

// tokenEndpoint is where API keys of every environment get tokens; it is of the
// same origin as these pages.
func (c *Console) tokenEndpoint() string { return c.BaseURL + "/oauth/token" }

// samples are the ways of the guide to get a token for an API key.
func (c *Console) samples(id authority.ClientID) []sample {
	fill := strings.NewReplacer("<word>", shellWord(c.tokenEndpoint()), "<endpoint>", quoted(c.tokenEndpoint()), "<base>", quoted(c.BaseURL), "<client>", string(id))
	list := []sample{{"curl", "curl", curlSample}, {"go", "Go", goSample}, {"node", "Node.js", nodeSample}, {"python", "Python", pythonSample}}
	for i := range list {
		list[i].Text = fill.Replace(list[i].Text)
	}
	return list
}

// quoted is a string as JSON, Go, JavaScript and Python write it.
func quoted(text string) string {
	raw, _ := json.Marshal(text) // text can always be written
	return string(raw)
}

// shellWord is text as one word of a POSIX shell.
func shellWord(text string) string {
	if !strings.ContainsFunc(text, func(r rune) bool { return notIDCharacter(r) && !strings.ContainsRune(":/.-[]", r) }) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// The body goes to curl by standard input: arguments of programs can be seen by
// others.
const (
	curlSample = `curl -sS --fail-with-body <word> \
  --header 'Content-Type: application/json' --data @- <<EOF
{
  "grant_type": "client_credentials",
  "client_id": "<client>",
  "client_secret": "$TOKENWRIGHT_CLIENT_SECRET"
}
EOF`
	goSample = `client := tokenwright.Config{
	URL:          <base>,
	ClientID:     "<client>",
	ClientSecret: os.Getenv("TOKENWRIGHT_CLIENT_SECRET"),
}.Client(context.Background())

// Every request of the client carries a token that is fresh.
response, err := client.Get("https://api.example.com/customers")`
	nodeSample = `const answer = await fetch(<endpoint>, {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify({
    grant_type: "client_credentials",
    client_id: "<client>",
    client_secret: process.env.TOKENWRIGHT_CLIENT_SECRET,
  }),
  signal: AbortSignal.timeout(10_000),
});
const { access_token, expires_in } = await answer.json();`
	pythonSample = `import os
import requests

answer = requests.post(
    <endpoint>,
    json={
        "grant_type": "client_credentials",
        "client_id": "<client>",
        "client_secret": os.environ["TOKENWRIGHT_CLIENT_SECRET"],
    },
    timeout=10,
)
token = answer.json()["access_token"]`
)
