package gateways

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

// C-330: Gateways send the Host, the method and the path of their clients. Whatever they
// are, the server answers 200, 401 or 403, without a redirect; also where the Host is
// that of an issuer of its own.
func TestTheServerAnswersGatewaysWhateverTheirClientsSend(t *testing.T) {
	in := harness.New(t)
	host := fmt.Sprintf("demo.localhost:%d", in.Port)
	in.Configure(t, harness.ReadExample(t, "gateways/tokenwright.yaml")+"environments: {demo: {issuer: 'http://"+host+"'}, production: {}}\n")
	s := in.Start(t)
	s.Seed(t)
	key := s.CreateKey(t, "demo")
	s.AwaitKeys(t, key)
	token := s.Token(t, key)
	asked := &gateway{port: in.Port}
	for _, host := range []string{"api.example.com", host, fmt.Sprintf("localhost:%d", in.Port), "x"} {
		for _, method := range []string{"GET", "POST", "OPTIONS", "CONNECT", "TRACE", "LOCK"} {
			for path, status := range map[string]int{
				"/forward-auth?env=demo&scope=customers:read": 200, "/forward-auth/customers": 200, "/forward-auth/customers/": 200, "/forward-auth/customers//x/../..//y/.": 200,
				"/forward-auth/customers/%2e%2e%2fimport?env=production": 200, "/forward-auth/customers/*": 200, "/forward-auth": 403, "/forward-auth/": 403, "/forward-auth//": 403,
				"/forward-auth/../forward-auth/customers": 403, "/forward-auth/x//..": 403, "/forward-auth/customers%2f": 403,
			} {
				a := asked.sendTo(t, host, method+" "+path, token)
				if a.Status != status || a.Header.Get("Location") != "" || a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("X-Request-Id") == "" {
					t.Errorf("%s %s at %s: status %d, %v %s", method, path, host, a.Status, a.Header, a.Body)
				}
				if status == http.StatusOK {
					status = http.StatusUnauthorized
				}
				if a := asked.sendTo(t, host, method+" "+path, ""); a.Status != status {
					t.Errorf("%s %s at %s without a token: status %d", method, path, host, a.Status)
				}
			}
		}
	}
	if sum := s.Metric(t, `tokenwright_http_requests_total{code="200",method="other",route="/forward-auth"}`); sum != 4 {
		t.Errorf("the metrics have %v of 4 requests with an unknown method", sum)
	}
}
