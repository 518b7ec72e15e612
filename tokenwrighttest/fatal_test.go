package tokenwrighttest

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// ending is a test that keeps what has ended it.
type ending struct{ testing.TB }

type ended string

func (ending) Fatalf(format string, args ...any) { panic(ended(fmt.Sprintf(format, args...))) }

// C-305: what cannot be done as asked ends the test, and the message says why.
func TestWhatCannotBeDoneEndsTheTest(t *testing.T) {
	within := ending{t}
	iss := New(within)
	for want, do := range map[string]func(){
		"name of an environment":   func() { New(within, WithEnvironment("Demo!")) },
		"cannot live for 1.5s":     func() { New(within, WithLifetime(1500*time.Millisecond)) },
		"algorithm":                func() { New(within, WithAlgorithm("none")) },
		"cannot stand in a token":  func() { iss.Token(Scopes("a\"b")) },
		"unsupported type":         func() { iss.Token(Set("exp", make(chan int))) },
		"client ID":                func() { iss.AddKey(Key{ClientID: "ä"}) },
		"scopes":                   func() { iss.AddKey(Key{Scopes: []string{"a\\"}}) },
		"revoking a token: jose":   func() { iss.RevokeToken("garbage") },
		"revoking a token: claims": func() { iss.RevokeToken(iss.Token(Without("gen"))) },
		"jti":                      func() { iss.RevokeToken(iss.Token(Set("jti", "1"))) },
	} {
		func() {
			defer func() {
				if why, ok := recover().(ended); !ok || !strings.Contains(string(why), want) {
					t.Errorf("want a message about %q, got %q", want, why)
				}
			}()
			do()
		}()
	}
}
