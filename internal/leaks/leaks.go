// Package leaks takes reports of client secrets and access tokens that were
// found in the open: in a repository, a log, a chat. Whoever has one may use it,
// so to have it is all the proof that is asked for.
//
// It owns how a report is made, that the answer tells nothing of what was
// reported, and the queue in which reports wait to be worked off. What a report
// leads to is decided by package authority, and whether a token is good by
// package verify. It also publishes the pattern by which scanners find secrets.
package leaks

import (
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/ratelimit"
	"github.com/tokenwright/tokenwright/verify"
)

// The paths below the base URL.
const (
	reportPath  = "/leaks"
	patternPath = "/leaks/gitleaks.toml"
)

const (
	// reportLimit is how many requests an address may send in a reportWindow.
	reportLimit  = 60
	reportWindow = time.Minute
	// reportCells of 16 bytes count them.
	reportCells = 1 << 12
)

// Config is what the surface needs.
type Config struct {
	Authority *authority.Authority
	// Verifiers know the access tokens of one environment each, whatever their
	// audience.
	Verifiers []*verify.Verifier
	// Logger hears when reports cannot be worked off; nil means nobody does.
	Logger *slog.Logger
}

// Handler takes reports, and works them off while Run runs.
type Handler struct {
	authority *authority.Authority
	verifiers []*verify.Verifier
	logger    *slog.Logger
	requests  *ratelimit.Sketch
	pattern   []byte
	waiting   queue
}

// New returns the surface of one installation.
func New(c Config) *Handler {
	h := &Handler{
		authority: c.Authority, verifiers: c.Verifiers, logger: c.Logger,
		requests: newRequests(), pattern: Pattern(c.Authority.Installation().Prefix),
		waiting: queue{added: make(chan struct{}, 1)},
	}
	if h.logger == nil {
		h.logger = slog.New(slog.DiscardHandler)
	}
	return h
}

func newRequests() *ratelimit.Sketch { return ratelimit.NewSketch(reportCells, reportWindow) }

// Register hands the endpoints to handle, the method of a mux.
func (h *Handler) Register(handle func(pattern string, handler http.Handler)) {
	handle(reportPath, http.HandlerFunc(h.report))
	handle(patternPath, http.HandlerFunc(h.showPattern))
}

// report takes a report. Its answer, and the work until then, are the same for
// whatever was reported: it is looked at later, by Run.
func (h *Handler) report(w http.ResponseWriter, r *http.Request) {
	found, err := h.accept(r)
	if err != nil {
		err.write(w)
		return
	}
	found.actor.RequestID = w.Header().Get("X-Request-Id")
	if !h.waiting.add(found) {
		errFull.write(w)
		return
	}
	writeJSON(w, http.StatusAccepted, []byte(`{}`))
}

// accept reads a report, of an address that has not sent too many.
func (h *Handler) accept(r *http.Request) (finding, *refusal) {
	if r.Method != http.MethodPost {
		return finding{}, errMethod
	}
	address := addressOf(r)
	if used, left := h.requests.Count(ratelimit.AddressKey(address), h.authority.Now()); used > reportLimit {
		return finding{}, errMany.after(left)
	}
	found, err := read(r)
	found.actor = authority.Actor{ID: "anonymous", Address: address.String()}
	return found, err
}

func addressOf(r *http.Request) netip.Addr {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return from.Addr()
}

// finding is a report that waits.
type finding struct {
	actor           authority.Actor
	credential, url string
}
