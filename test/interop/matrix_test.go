package interop

import (
	"fmt"
	"maps"
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
}

type verifierRow struct {
	library
	version string
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

// String is the two tables, in the order of the lists of libraries. What is wrong with
// one library fails its test, so what holds for all of them stands once.
func (m *matrix) String() string {
	var b strings.Builder
	b.WriteString("### Clients\n\nEach gets tokens in the ways that are named, and reports a wrong secret as `invalid_client`.\n\n" +
		"| Client | Language | Version | Sends the secret by | Finds the token endpoint by |\n|---|---|---|---|---|\n")
	for _, c := range clients {
		if row, ok := m.clients[c.name]; ok {
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", c.name, c.language, c.shown(row.version), row.ways(), row.discoveries())
		}
	}
	var bad []string
	for _, token := range badTokens {
		bad = append(bad, token.name)
	}
	fmt.Fprintf(&b, "\n### Verifiers\n\nEach takes good tokens signed with %s, and refuses one that is %s.\n\n| Verifier | Language | Version |\n|---|---|---|\n",
		inWords(slices.Sorted(maps.Keys(environments)), "and"), inWords(bad, "or"))
	for _, l := range verifiers {
		if row, ok := m.verifiers[l.name]; ok {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", l.name, l.language, l.shown(row.version))
		}
	}
	return b.String()
}

func inWords(list []string, and string) string {
	last := len(list) - 1
	return strings.Join(list[:last], ", ") + " " + and + " " + list[last]
}

const debian = " (Debian)"

func (l *library) shown(version string) string {
	if l.pinned {
		return version
	}
	return version + debian
}

// ways are those in which the client sent the secret.
func (r *clientRow) ways() string {
	var list []string
	for _, w := range r.works {
		if !slices.Contains(list, w.name) {
			list = append(list, w.name)
		}
	}
	return strings.Join(list, ", ")
}

// discoveries are the ways in which it found out where to send it.
func (r *clientRow) discoveries() string {
	var list []string
	for _, w := range r.works {
		if name := discoveries[w.discovery]; !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return strings.Join(list, ", ")
}

var discoveries = map[string]string{"": "its address", "oauth2": "metadata (RFC 8414)", "oidc": "metadata (OpenID Connect)"}

// compareWithPage fails where the page says anything else than what ran. With
// -update it says that from now on.
func (m *matrix) compareWithPage(t *testing.T) {
	harness.Written(t, "works-with", "test/interop", m.String(), withoutDebian)
}

// withoutDebian leaves out versions that depend on the release of Debian.
func withoutDebian(tables string) string {
	return regexp.MustCompile(`\| \S+`+regexp.QuoteMeta(debian)).ReplaceAllString(tables, "|"+debian)
}
