package oauthapi

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

const (
	maxWait = 30 * time.Second
	// pollGrace is how long after its wait a poll may take to be answered.
	pollGrace = time.Minute

	maxPolls          = 4096 // that wait at this node
	maxPollsOfAddress = 64   // of which from one address
)

// revocations is the feed of an issuer: a signed JWT that lists what is not to
// be believed any more. With after it lists what is newer, and with wait it is
// answered when there is something, or when the time is over.
func (a *API) revocations(env *authority.Environment) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", "*")
		noStore(w)
		if err := methods(w, r, http.MethodGet, http.MethodHead); err != nil {
			return err
		}
		after, wait, err := readPoll(r.URL.RawQuery)
		if err == nil && wait > 0 {
			err = a.await(w, r, env.Name, after, wait)
		}
		if err != nil {
			return err
		}
		feed, err := a.authority.Feed(env.Name, after)
		if err != nil {
			return err
		}
		writeBody(w, http.StatusOK, jwtContent, feed)
		return nil
	}
}

var jwtContent = []string{"application/jwt"}

// readPoll reads after and wait. Other parameters are ignored.
func readPoll(query string) (after int64, wait time.Duration, err error) {
	values, err := url.ParseQuery(query)
	if err != nil || len(values["after"]) > 1 {
		return 0, 0, refuse(reasonAfter)
	}
	after = authority.WholeFeed
	if text, ok := values["after"]; ok {
		if after, err = strconv.ParseInt(text[0], 10, 64); err != nil || after < 0 {
			return 0, 0, refuse(reasonAfter)
		}
	}
	if text, ok := values["wait"]; ok {
		if wait, err = time.ParseDuration(text[0]); err != nil || len(text) > 1 || wait < 0 || wait > maxWait || after == authority.WholeFeed {
			return 0, 0, refuse(reasonWait)
		}
	}
	return after, wait, nil
}

// await waits for more than after: until there is, the time is over, the client
// has gone, or the server stops. A node that is behind after itself waits too.
func (a *API) await(w http.ResponseWriter, r *http.Request, env string, after int64, wait time.Duration) error {
	address := addressOf(r)
	if err := a.polls.enter(address); err != nil {
		return err
	}
	defer a.polls.leave(address)
	// The server's own limits are for requests that are answered at once.
	control := http.NewResponseController(w)
	deadline := time.Now().Add(wait + pollGrace)
	_ = control.SetReadDeadline(deadline) // where it cannot be set there is none
	_ = control.SetWriteDeadline(deadline)
	ctx, cancel := context.WithTimeout(r.Context(), wait)
	defer cancel()
	defer context.AfterFunc(a.stopping, cancel)()
	return a.authority.AwaitRevocations(ctx, env, after)
}

// polls counts the requests that wait, in all and by address: an IPv4 address,
// or the /64 of an IPv6 one, which is what one subscriber has.
type polls struct {
	mu        sync.Mutex
	all       int
	byAddress map[netip.Addr]int
}

func subscriber(address netip.Addr) netip.Addr {
	address = address.Unmap().WithZone("")
	if address.Is6() {
		if network, err := address.Prefix(64); err == nil {
			return network.Addr()
		}
	}
	return address
}

func (p *polls) enter(address netip.Addr) error {
	address = subscriber(address)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.all >= maxPolls:
		return refuse(reasonPolls)
	case p.byAddress[address] >= maxPollsOfAddress:
		return refuse(reasonPollsHere)
	}
	p.all++
	p.byAddress[address]++
	return nil
}

func (p *polls) waiting() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.all
}

func (p *polls) leave(address netip.Addr) {
	address = subscriber(address)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all--
	if p.byAddress[address]--; p.byAddress[address] == 0 {
		delete(p.byAddress, address)
	}
}
