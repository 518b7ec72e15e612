package evidence

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/tokenwright/tokenwright/test/harness"
)

// Question is a request as it goes over the wire, and what tells a good answer.
type Question struct {
	Wire []byte
	// Good tells of the body of an answer 200 whether it is as it should be, and
	// which token is in it; "" for none.
	Good func(body string) (good bool, token string)
}

// Questions are token requests of each API key, in every style: form, JSON, Basic.
func Questions(keys []harness.APIKey) (list []*Question) {
	for style := range 3 {
		for n, key := range keys {
			switch (style + n) % 3 {
			case 0:
				list = append(list, FormQuestion(key))
			case 1:
				list = append(list, tokenQuestion(key, "", "application/json",
					fmt.Sprintf(`{"grant_type":"client_credentials","client_id":%q,"client_secret":%q}`, key.ClientID, key.ClientSecret)))
			case 2: // nothing in it needs the form encoding of RFC 6749 2.3.1
				basic := base64.StdEncoding.EncodeToString([]byte(key.ClientID + ":" + key.ClientSecret))
				list = append(list, tokenQuestion(key, "Authorization: Basic "+basic+"\r\n", formType, "grant_type=client_credentials"))
			}
		}
	}
	return list
}

const formType = "application/x-www-form-urlencoded"

// FormQuestion is a token request in a form.
func FormQuestion(key harness.APIKey) *Question {
	return tokenQuestion(key, "", formType, Credentials(key, "grant_type", "client_credentials").Encode())
}

func tokenQuestion(key harness.APIKey, header, contentType, body string) *Question {
	return &Question{onTheWire("/demo/oauth/token", header, contentType, body), func(body string) (bool, string) {
		token := TokenOf(body, key)
		return token != "", token
	}}
}

// IntrospectQuestion asks whether a token is active, which is of the API key that
// asks (RFC 7662 2.1).
func IntrospectQuestion(key harness.APIKey, token string) *Question {
	body := Credentials(key, "token", token).Encode()
	return &Question{onTheWire("/demo/oauth/introspect", "", formType, body), func(body string) (bool, string) {
		var a struct {
			Active   bool   `json:"active"`
			ClientID string `json:"client_id"`
		}
		return json.Unmarshal([]byte(body), &a) == nil && a.Active && a.ClientID == key.ClientID, ""
	}}
}

func onTheWire(path, header, contentType, body string) []byte {
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: localhost\r\n%sContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", path, header, contentType, len(body), body)
}

// TokenOf returns the token of an answer where it is one of the API key, and of its
// environment.
func TokenOf(body string, key harness.APIKey) string {
	var answer harness.TokenAnswer
	if json.Unmarshal([]byte(body), &answer) != nil {
		return ""
	}
	parts := strings.Split(answer.AccessToken, ".")
	if len(parts) != 3 {
		return ""
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	var claims struct {
		ClientID string `json:"client_id"`
		Claims   struct {
			Env string `json:"env"`
		} `json:"claims"`
	}
	if err != nil || json.Unmarshal(payload, &claims) != nil || claims.ClientID != key.ClientID || key.Env != "" && claims.Claims.Env != key.Env {
		return ""
	}
	return answer.AccessToken
}
