package oauthapi

import (
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/tokenwright/tokenwright/internal/accesstoken"
	"github.com/tokenwright/tokenwright/internal/authority"
)

const (
	maxWait = 30 * time.Second
	// pollGrace is how long after its wait a poll may take to be answered.
	pollGrace = 10 * time.Second

	maxPolls          = 4096 // that wait at this node
	maxPollsOfAddress = 64   // of which from one address
)

// revocations is the feed of an issuer: a signed JWT that lists what is not to
// be believed any more. With after it lists what is newer, and with wait it is
// answered when there is something, or when the time is over.
func (a *API) revocations(env *authority.Environment) func(http.ResponseWriter, *http.Request) error {
	whole := &wholeFeed{authority: a.authority, env: env.Name}
	return func(w http.ResponseWriter, r *http.Request) error {
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", "*")
		noStore(w)
		if err := methods(w, r, http.MethodGet, http.MethodHead); err != nil {
			return err
		}
		after, wait, err := readPoll(r.URL.RawQuery)
		if err != nil {
			return err
		}
		var feed *authority.Feed
		if after == accesstoken.Whole {
			feed, err = whole.get()
		} else {
			feed, err = a.news(w, r, env.Name, after, wait)
		}
		if err != nil {
			return err
		}
		writeBody(w, http.StatusOK, jwtContent, feed.JWT)
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
	after = accesstoken.Whole
	if text, ok := values["after"]; ok {
		if after, err = strconv.ParseInt(text[0], 10, 64); err != nil || after < 0 {
			return 0, 0, refuse(reasonAfter)
		}
	}
	if text, ok := values["wait"]; ok {
		if wait, err = time.ParseDuration(text[0]); err != nil || len(text) > 1 || wait < 0 || wait > maxWait || after == accesstoken.Whole {
			return 0, 0, refuse(reasonWait)
		}
	}
	return after, wait, nil
}

// news waits for more than after. A node that is behind after itself waits to
// catch up; what it then has is for the reader to judge.
func (a *API) news(w http.ResponseWriter, r *http.Request, env string, after int64, wait time.Duration) (*authority.Feed, error) {
	feed, err := a.authority.Feed(env, after)
	if err != nil || wait == 0 || !feed.Empty && feed.Seq >= after {
		return feed, err
	}
	address := addressOf(r)
	if err := a.polls.enter(address); err != nil {
		return nil, err
	}
	defer a.polls.leave(address)
	// The server's own limits are for requests that are answered at once.
	control := http.NewResponseController(w)
	deadline := time.Now().Add(wait + pollGrace)
	_ = control.SetReadDeadline(deadline) // where it cannot be set there is none
	_ = control.SetWriteDeadline(deadline)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		select {
		case <-feed.News:
		case <-timer.C:
			return a.authority.Feed(env, after) // freshly signed
		case <-a.stopping:
			return a.authority.Feed(env, after)
		case <-r.Context().Done(): // nobody reads the answer
			return a.authority.Feed(env, after)
		}
		if feed, err = a.authority.Feed(env, after); err != nil || !feed.Empty && feed.Seq >= after {
			return feed, err
		}
	}
}

// wholeFeed keeps the whole feed of an environment, so that whoever asks for it
// again and again does not make this node write and sign it each time: no more
// than a tenth of the time is spent on that.
type wholeFeed struct {
	authority *authority.Authority
	env       string

	mu    sync.Mutex
	feed  *authority.Feed
	until time.Time // not made again before
}

func (f *wholeFeed) get() (*authority.Feed, error) {
	if err := f.authority.Ready(); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	began := time.Now()
	if f.feed != nil && began.Before(f.until) {
		return f.feed, nil
	}
	feed, err := f.authority.Feed(f.env, accesstoken.Whole)
	if err != nil {
		return nil, err
	}
	ended := time.Now()
	f.feed, f.until = feed, ended.Add(9*ended.Sub(began))
	return feed, nil
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

func (p *polls) leave(address netip.Addr) {
	address = subscriber(address)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all--
	if p.byAddress[address]--; p.byAddress[address] == 0 {
		delete(p.byAddress, address)
	}
}
