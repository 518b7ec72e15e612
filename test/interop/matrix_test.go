package interop

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

// matrix is what ran and passed in this run.
type matrix struct {
	mu        sync.Mutex
	skipped   bool // something could not run here
	clients   map[string]clientRow
	verifiers map[string]verifierRow
}

type clientRow struct {
	client
	version string
	works   []way
	refusal string
}

type verifierRow struct {
	library
	version string
	accepts map[string]bool // by algorithm
	refuses map[string]int  // by kind of token: with how many algorithms
}

func newMatrix() *matrix {
	return &matrix{clients: map[string]clientRow{}, verifiers: map[string]verifierRow{}}
}

// watch sees to it that a table without a library is not taken for the whole.
func (m *matrix) watch(t *testing.T) {
	t.Cleanup(func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.skipped = m.skipped || t.Skipped()
	})
}

func (m *matrix) addClient(row clientRow) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.clients[row.name] = row
}

func (m *matrix) addVerifier(row verifierRow) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.verifiers[row.name] = row
}

// String is the two tables, in the order of the lists of libraries.
func (m *matrix) String() string {
	var b strings.Builder
	b.WriteString("### Clients\n\n| Language | Client | Version | Gets a token | Reports a wrong secret as |\n|---|---|---|---|---|\n")
	for _, c := range clients {
		if row, ok := m.clients[c.name]; ok {
			fmt.Fprintf(&b, "| %s | %s | %s | %s | `%s` |\n", c.language, c.name, c.shown(row.version), row.ways(), row.refusal)
		}
	}
	b.WriteString("\n### Verifiers\n\n| Language | Verifier | Version | ES256 | RS256 | Refuses a token that is |\n|---|---|---|---|---|---|\n")
	for _, l := range verifiers {
		if row, ok := m.verifiers[l.name]; ok {
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", l.language, l.name, l.shown(row.version),
				yes(row.accepts["ES256"]), yes(row.accepts["RS256"]), row.refusals())
		}
	}
	return b.String()
}

const debian = " (Debian)"

func (l *library) shown(version string) string {
	if l.pinned {
		return version
	}
	return version + debian
}

func yes(so bool) string {
	if so {
		return "yes"
	}
	return "no"
}

// ways are those that work, together where the token endpoint is found alike.
func (r *clientRow) ways() string {
	var order []string
	groups := map[string][]string{}
	for _, w := range r.works {
		if !slices.Contains(order, w.discovery) {
			order = append(order, w.discovery)
		}
		groups[w.discovery] = append(groups[w.discovery], w.name)
	}
	var list []string
	for _, discovery := range order {
		list = append(list, discoveries[discovery]+strings.Join(groups[discovery], ", "))
	}
	return strings.Join(list, "; ")
}

var discoveries = map[string]string{
	"":       "",
	"oauth2": "from `oauth-authorization-server`: ",
	"oidc":   "from `openid-configuration`: ",
}

// refusals are the kinds of tokens that are refused with every algorithm.
func (r *verifierRow) refusals() string {
	var list []string
	for _, b := range badTokens {
		if r.refuses[b.name] == len(environments) {
			list = append(list, b.name)
		}
	}
	return strings.Join(list, ", ")
}

// compareWithPage fails where the page says anything else than what ran. With
// -update it says that from now on.
func (m *matrix) compareWithPage(t *testing.T) {
	harness.Written(t, "works-with", "test/interop", m.String(), withoutDebian)
}

// withoutDebian leaves out versions that depend on the release of Debian.
func withoutDebian(tables string) string {
	return regexp.MustCompile(`\| \S+`+regexp.QuoteMeta(debian)).ReplaceAllString(tables, "|"+debian)
}
