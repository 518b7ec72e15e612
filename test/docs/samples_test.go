package docs

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/internal/postgrestest"
	"github.com/tokenwright/tokenwright/test/harness"
)

// taken is what a page takes for granted, beyond a server on this machine with
// merchant 4259, an API key of it in demo, and the command.
type taken struct {
	serve   []string // flags of its server
	prepare func(t *testing.T, r *reader)
	shown   []string // by its samples, where that they run is not enough
	refuses bool     // it shows refusals, which come out as shown
}

// given says it by page; each page says the same to its readers.
var given = map[string]taken{
	"audit":    {prepare: withJournal, shown: []string{" events, each as it was written.\nNoted heads that are among them: ", "\nEvent 2 was changed after it was written, or what stood before it was.\nThe 1 event before it is intact.\nexit code 1\n"}},
	"gateways": {prepare: theGateways},
	"install":  {prepare: giveRelease},
	"leaks": {prepare: func(t *testing.T, r *reader) {
		r.install(t, "gitleaks", "exec "+harness.FindProgram(t, "gitleaks")+` "$@"`)
	}},
	"logs":    {prepare: withJournal, shown: []string{" secret_form\t"}},
	"metrics": {prepare: func(t *testing.T, r *reader) { r.set("PPROF_TMPDIR", r.dir) }},
	"postgresql": {prepare: func(t *testing.T, r *reader) {
		alone(t, r)
		p := postgrestest.Start(t, "fsync=off")
		r.ports["5432"] = strconv.Itoa(p.Port)
		r.set("PGHOST", p.Host)
		r.set("PGPORT", strconv.Itoa(p.Port))
		r.set("PGUSER", "postgres")
		r.set("PGPASSWORD", postgrestest.Password)
		r.install(t, "haproxy", "exec "+harness.FindProgram(t, "haproxy")+` "$@"`)
	}},
	"runbooks":                  {prepare: withJournal, shown: []string{" secret_form\t"}},
	"backup":                    {prepare: alone, shown: []string{"is restored as of event"}},
	"run-it":                    {prepare: alone},
	"create-an-api-key":         {prepare: giveAdminToken},
	"get-a-token":               {refuses: true},
	"scopes":                    {refuses: true},
	"environments":              {refuses: true},
	"keep-a-token-fresh":        {prepare: giveAPI},
	"first-call":                {refuses: true},
	"rotate-a-secret":           {prepare: giveAdminToken},
	"verify-in-go":              {shown: []string{"customers of merchant 4259 in demo", "Token not signed by a key of the issuer."}},
	"verify-in-node":            {prepare: anAPI, shown: []string{`{"merchantId":4259,"env":"demo"}`, "Invalid token.", "Revoked token."}},
	"verify-in-python":          {prepare: anAPI, shown: []string{`{"merchantId":4259,"env":"demo"}`, "Invalid token.", "Revoked token.", "merchant 4259 in demo"}},
	"verify-in-other-languages": {shown: []string{"merchant 4259 in demo"}},
	"reference":                 {prepare: withOperator},
}

// anAPI is told its port by a variable.
func anAPI(t *testing.T, r *reader) {
	r.ports["8090"] = strconv.Itoa(harness.FreePort(t))
	r.set("PORT", r.ports["8090"])
}

// theGateways are where the PATH of an ordinary user does not lead.
func theGateways(t *testing.T, r *reader) {
	harness.Need(t, "openssl")
	for _, name := range []string{"nginx", "caddy", "haproxy"} {
		r.install(t, name, "exec "+harness.FindProgram(t, name)+` "$@"`)
	}
}

// C-519: what a page has its readers type does what it says.
func TestEverySampleOfTheDocumentationRuns(t *testing.T) {
	harness.Need(t, "bash", "curl", "jq", "node", "npm")
	s := harness.Start(t)
	links := regexp.MustCompile(`/docs/(\S+)\.md\)`).FindAllSubmatch(s.Get(t, s.URL+"/llms.txt").Body, -1)
	if len(links) < 15 {
		t.Fatalf("llms.txt lists %d pages", len(links))
	}
	for _, link := range links {
		page := string(link[1])
		t.Run(page, func(t *testing.T) {
			t.Parallel()
			blocks := blocksOf(t, page, string(s.Get(t, s.URL+"/docs/"+page+".md").Body))
			run := false
			for _, b := range blocks {
				b.check(t, page)
				run = run || b.language == "sh" && !b.notRun && !b.usage
			}
			checkUsed(t, page, blocks)
			if t.Failed() || !run || strings.HasPrefix(page, inReference) {
				return
			}
			r := newReader(t, page)
			blocks = blocksOf(t, page, string(r.Get(t, r.URL+"/docs/"+page+".md").Body))
			r.follow(t, blocks)
			if given[page].refuses {
				checkRefusals(t, page, blocks, r.seen)
			}
		})
	}
}
