package docs

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

type document struct {
	Servers    []struct{ URL string }
	Paths      map[string]json.RawMessage
	Components struct {
		Parameters map[string]struct {
			Example any
			Schema  struct{ Enum []string }
		}
		Schemas map[string]struct{ Enum []string }
	}
}

func openAPIOf(t *testing.T, c Config) (document, string) {
	t.Helper()
	text := get(t, newMux(t, c), "/openapi.json")
	var d document
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatal(err)
	}
	return d, text
}

// C-380
func TestTheOpenAPIDocumentIsThatOfTheInstallation(t *testing.T) {
	c := testConfig()
	c.BaseURL, c.Prefix = "https://tokens.example.org", "acme"
	c.Environments[0] = Environment{Name: "test", Issuer: "https://tokens.example.org/test", Audience: "https://api.test.example.org", Algorithm: "ES256"}
	d, text := openAPIOf(t, c)
	if len(d.Servers) != 1 || d.Servers[0].URL != c.BaseURL {
		t.Errorf("servers: %v", d.Servers)
	}
	if got := d.Components.Schemas["Environment"].Enum; !slices.Equal(got, []string{"test", "live", "platform"}) {
		t.Errorf("environments: %v", got)
	}
	// That of live has a host of its own.
	if got := d.Components.Parameters["Issuer"]; !slices.Equal(got.Schema.Enum, []string{"test", "platform"}) || got.Example != "test" {
		t.Errorf("environments below the base URL: %v", got)
	}
	for _, want := range []string{`"^acmec_[a-z]`, `"^acmes_[a-z]`, `"acmec_test_`, `"iss":"https://tokens.example.org/test"`, `"aud":"https://api.test.example.org"`, `"env":"test"`} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is missing", want)
		}
	}
	for _, rest := range []string{"auth.example.com", "twc_", "tws_", `"demo"`, "_demo_"} {
		if strings.Contains(text, rest) {
			t.Errorf("%s is left", rest)
		}
	}
}

// C-380: a document that is filled with what it says already stays as it is.
func TestTheOpenAPISourceIsTrueAsItStands(t *testing.T) {
	_, served := openAPIOf(t, sampleConfig())
	source, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var want, got any
	if err := yaml.Unmarshal(source, &want); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(served), &got); err != nil {
		t.Fatal(err)
	}
	wantText, err := json.Marshal(want) // members in the order of names, on both sides
	if err != nil {
		t.Fatal(err)
	}
	gotText, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	if string(wantText) != string(gotText) {
		t.Error("openapi.json says something else than openapi.yaml")
	}
}

// C-380
func TestTheOpenAPIDocumentKeepsItsOrder(t *testing.T) {
	_, served := openAPIOf(t, testConfig())
	source, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	order := func(pattern, text string) (all []string) {
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
			all = append(all, m[1])
		}
		return all
	}
	want := order(`(?m)^ +operationId: (\w+)`, string(source))
	if got := order(`"operationId":"(\w+)"`, served); len(got) < 40 || !slices.Equal(got, want) {
		t.Errorf("operations are in the order\n%v\nnot\n%v", got, want)
	}
}
