package console

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

var eventRoutes = []route{
	page("/events", authority.EventsRead, (*Console).listEvents),
	export(page("/events/export", authority.EventsRead, (*Console).exportEvents)),
	page("/events/verify", authority.EventsRead, (*Console).askToVerify),
	urgent(form("/events/verify", authority.EventsRead, (*Console).verifyEvents)), // it changes nothing
	page("/merchants/{merchantId}/events", authority.EventsRead, (*Console).listEvents),
	export(page("/merchants/{merchantId}/events/export", authority.EventsRead, (*Console).exportEvents)),
}

// eventPageSize is how many events a page has: each brings its details along, and
// a page is to be 100 KiB at most.
const eventPageSize = 30

// eventFilter is what the query of a page selects, as it was typed.
type eventFilter struct {
	Kind, Env, Subject, Actor, Since, Until string
	Errors                                  map[string]string

	filter authority.EventFilter
}

// readEventFilter reads the query; days are those of UTC, the last one included.
func readEventFilter(v *visit) *eventFilter {
	query := v.Request.URL.Query()
	get := func(name string) string { return strings.TrimSpace(query.Get(name)) }
	f := &eventFilter{Kind: get("kind"), Env: get("env"), Subject: get("subject"), Actor: get("actor"), Since: get("since"), Until: get("until"), Errors: map[string]string{}}
	f.filter = authority.EventFilter{Kind: authority.EventKind(f.Kind), Env: f.Env, Subject: f.Subject, Actor: f.Actor, NewestFirst: true}
	if v.merchant != nil {
		f.filter.MerchantID = v.merchant.ID
	}
	f.filter.Since = f.day("since", f.Since)
	if until := f.day("until", f.Until); !until.IsZero() {
		f.filter.Until = until.AddDate(0, 0, 1)
	}
	return f
}

func (f *eventFilter) day(name, text string) time.Time {
	if text == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		f.Errors[name] = "This is not a day, as in 2026-11-28."
	}
	return t
}

// Any tells whether anything is selected.
func (f *eventFilter) Any() bool {
	return f.Kind+f.Env+f.Subject+f.Actor+f.Since+f.Until != ""
}

// eventPage is a page of events.
type eventPage struct {
	Filter      *eventFilter
	Kinds       []kindGroup
	Rows        []eventRow
	Pager       pager
	All         string // address without a filter
	CSV, NDJSON string // addresses of exports
}

// kindGroup is the kinds of events of one thing.
type kindGroup struct {
	Name  string
	Kinds []kindOption
}

type kindOption struct {
	Kind authority.EventKind
	Text string
}

// kindGroups are all kinds, as a page lets people choose them.
func kindGroups() (groups []kindGroup) {
	for _, k := range authority.EventKinds() {
		thing, _, _ := strings.Cut(string(k), ".")
		i := slices.IndexFunc(groups, func(g kindGroup) bool { return g.Name == thingName(thing) })
		if i < 0 {
			i, groups = len(groups), append(groups, kindGroup{Name: thingName(thing)})
		}
		groups[i].Kinds = append(groups[i].Kinds, kindOption{k, kindText(k)})
	}
	return groups
}

func (c *Console) listEvents(v *visit) error {
	f := readEventFilter(v)
	p := eventPage{Filter: f, Kinds: kindGroups(), All: v.Request.URL.Path}
	p.CSV, p.NDJSON = v.exportAddress("csv"), v.exportAddress("ndjson")
	status := http.StatusBadRequest
	if len(f.Errors) == 0 {
		status = http.StatusOK
		if err := c.readEvents(v, &p); err != nil {
			return err
		}
	}
	nav := "all-events"
	if v.merchant != nil {
		nav = "events"
	}
	return v.render(status, "events", view{Title: allOf(v, "events"), Nav: nav, Data: p})
}

// exportAddress is where the events of the page are as a file.
func (v *visit) exportAddress(format string) string {
	address := v.address(map[string]string{"format": format})
	return strings.Replace(address, v.Request.URL.Path, v.Request.URL.Path+"/export", 1)
}

// readEvents reads a page of events, the newest first.
func (c *Console) readEvents(v *visit, p *eventPage) error {
	place, err := v.place()
	if err != nil {
		return err
	}
	after, _ := strconv.ParseInt(place, 10, 64) // of our own writing; "" is 0, the beginning
	events, err := c.Authority.Events(v.Request.Context(), v.actor, p.Filter.filter, after, eventPageSize+1)
	if err != nil {
		return err
	}
	events, more := cut(events, eventPageSize)
	next := ""
	if more {
		next = strconv.FormatInt(events[len(events)-1].Seq, 10)
	}
	p.Pager = v.pager("events", next)
	p.Rows, err = c.eventRows(v, events)
	return err
}
