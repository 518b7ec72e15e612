package main

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/tokenwright/tokenwright/internal/adminapi"
	"github.com/tokenwright/tokenwright/internal/oauthapi"
)

// errorsPage writes what of the page of errors comes from the tables of the
// surfaces; how access tokens are refused is written by hand, and compared.
type errorsPage struct {
	kinds      []oauthapi.Kind
	reasons    []adminapi.Reason
	challenges map[string]bool // codes of access tokens that are refused
}

const challengesAnchor, reasonsAnchor = "when-an-access-token-is-refused", "reasons-of-the-admin-api"

// statusesOf are those that a code of the OAuth endpoints comes with.
func statusesOf(k *oauthapi.Kind) []int {
	var list []int
	for _, c := range k.Causes {
		list = append(list, statusOfCause(k, &c))
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func statusOfCause(k *oauthapi.Kind, c *oauthapi.Cause) int {
	if c.Status != 0 {
		return c.Status
	}
	return k.Status
}

func numbers(list []int) string {
	return strings.Join(strings.Fields(strings.Trim(fmt.Sprint(list), "[]")), ", ")
}

// oauth is the table of all errors, and a section for each code of the OAuth
// endpoints.
func (p *errorsPage) oauth() string {
	var b strings.Builder
	b.WriteString("## All errors\n\n| Error | Status | Meaning |\n|---|---|---|\n")
	for _, k := range p.kinds {
		b.WriteString(tableRow(linkTo(k.Code, "#"+k.Code, false), numbers(statusesOf(&k)), prose(k.Meaning)))
	}
	b.WriteString("\nErrors about an access token are [`invalid_token`](#invalid_token) and [`insufficient_scope`](#insufficient_scope); the admin API has [reasons](#" + reasonsAnchor + ").\n\n")
	for _, k := range p.kinds {
		p.kind(&b, &k)
	}
	return b.String()
}

func (p *errorsPage) kind(b *strings.Builder, k *oauthapi.Kind) {
	statuses := statusesOf(k)
	fmt.Fprintf(b, "## %s\n\n**Status %s.** %s\n\n", codeSpan(k.Code), numbers(statuses), prose(k.Meaning))
	if len(statuses) == 1 {
		b.WriteString("| `error_description` | What to do |\n|---|---|\n")
	} else {
		b.WriteString("| Status | `error_description` | What to do |\n|---|---|---|\n")
	}
	for _, c := range k.Causes {
		row := []string{codeSpan(c.Description), prose(c.Fix)}
		if len(statuses) > 1 {
			row = slices.Insert(row, 0, strconv.Itoa(statusOfCause(k, &c)))
		}
		b.WriteString(tableRow(row...))
	}
	b.WriteString("\n")
	if p.challenges[k.Code] {
		fmt.Fprintf(b, "An API that is asked with more than one access token answers this code [as well](#%s).\n\n", challengesAnchor)
	}
	for _, r := range p.reasons {
		if r.Name == k.Code {
			fmt.Fprintf(b, "**As a reason of the admin API, status %d.** %s %s\n\n", r.Status, prose(r.Meaning), prose(r.Fix))
		}
	}
}

// isOAuth tells whether a reason of the admin API has its section among the codes
// of the OAuth endpoints.
func (p *errorsPage) isOAuth(name string) bool {
	return slices.ContainsFunc(p.kinds, func(k oauthapi.Kind) bool { return k.Code == name })
}

// admin is a table of all reasons, and a section for each.
func (p *errorsPage) admin() string {
	var b strings.Builder
	b.WriteString("| Reason | Status | Meaning |\n|---|---|---|\n")
	for _, r := range p.reasons {
		b.WriteString(tableRow(linkTo(r.Name, "#"+r.Name, false), strconv.Itoa(r.Status), prose(r.Meaning)))
	}
	b.WriteString("\n")
	for _, r := range p.reasons {
		if !p.isOAuth(r.Name) {
			fmt.Fprintf(&b, "### %s\n\n**Status %d.** %s\n\n%s\n\n", codeSpan(r.Name), r.Status, prose(r.Meaning), prose(r.Fix))
		}
	}
	return b.String()
}

func errorsPageOf(t *testing.T) *errorsPage {
	t.Helper()
	return &errorsPage{oauthapi.Errors("tw"), adminapi.Reasons(), readRefusals(t).codes}
}

// C-493
func TestReferenceOfErrors(t *testing.T) {
	t.Parallel()
	p := errorsPageOf(t)
	holdPage(t, "errors.md", p.oauth(), p.admin())
}

var codeHeading = regexp.MustCompile("(?m)^##+ `([a-z_]+)`$")

// C-493: each code that is answered has its section, and each section of a code is
// of one that is answered.
func TestReferenceOfErrorsHasEveryCode(t *testing.T) {
	t.Parallel()
	p := errorsPageOf(t)
	answered := map[string]bool{}
	for _, k := range p.kinds {
		answered[k.Code] = true
	}
	for _, r := range p.reasons {
		answered[r.Name] = true
	}
	for code := range p.challenges {
		answered[code] = true
	}
	explained := map[string]bool{}
	for _, m := range codeHeading.FindAllStringSubmatch(readPage(t, "errors.md"), -1) {
		explained[m[1]] = true
	}
	for code := range answered {
		if !explained[code] {
			t.Errorf("%s is answered, and has no section", code)
		}
	}
	for code := range explained {
		if !answered[code] {
			t.Errorf("%s has a section, and nothing answers it", code)
		}
	}
	if len(p.challenges) != 3 {
		t.Errorf("challenges have the codes %v, and not the three of RFC 6750", p.challenges)
	}
}

// C-493: the OpenAPI document has the same codes of the OAuth endpoints.
func TestReferenceOfErrorsIsTheOpenAPIDocuments(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("../../internal/docs/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Components struct {
			Schemas map[string]struct {
				Properties map[string]struct{ Enum []string }
			}
		}
	}
	if err := yaml.Unmarshal(source, &doc); err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, k := range oauthapi.Errors("tw") {
		want = append(want, k.Code)
	}
	got := doc.Components.Schemas["OAuthError"].Properties["error"].Enum
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the document has %v, the endpoints have %v", got, want)
	}
}
