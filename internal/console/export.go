package console

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/plain"
)

const (
	// exportTimeout is how long an export may take: a million events are some 300 MB.
	exportTimeout = 15 * time.Minute
	// exportStall is how long whoever reads an export may read nothing.
	exportStall = 30 * time.Second
	// exportBatch is how many lines are written between two looks at the clock.
	exportBatch = 500
)

// sendFile answers with a file of lines, and writes them as they come: write is
// called for each. What goes wrong in the middle ends the connection, so that
// nobody takes a part for the whole.
func sendFile[T any](v *visit, name, contentType string, lines iter.Seq2[T, error], write func(T) error, end func() error) error {
	h := v.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	if v.Request.Method == http.MethodHead {
		return nil
	}
	control := http.NewResponseController(v.ResponseWriter)
	n := 0
	for line, err := range lines {
		if err == nil && n%exportBatch == 0 {
			err = extend(control)
		}
		if err == nil {
			err = write(line)
		}
		if err != nil && n == 0 {
			h.Del("Content-Disposition")
			return err
		}
		if err != nil {
			v.breakOff(err)
		}
		n++
	}
	if err := end(); err != nil {
		v.breakOff(err)
	}
	return nil
}

// extend gives whoever reads more time. A server without deadlines needs none.
func extend(control *http.ResponseController) error {
	err := control.SetWriteDeadline(time.Now().Add(exportStall))
	if errors.Is(err, http.ErrNotSupported) {
		return nil
	}
	return err
}

// breakOff ends the connection.
func (v *visit) breakOff(err error) {
	v.note(slog.String("error", "the export broke off: "+err.Error()))
	panic(http.ErrAbortHandler)
}

// exportEvents answers with every event that the filter of the page selects, the
// oldest first: as the chain goes, by which an export is verified.
func (c *Console) exportEvents(v *visit) error {
	f := readEventFilter(v)
	if len(f.Errors) > 0 {
		return &refusal{http.StatusBadRequest, "The filter cannot be read. Choose it on the page of events, and export from there."}
	}
	f.filter.NewestFirst = false
	events := c.Authority.AllEvents(v.Request.Context(), v.actor, f.filter)
	name := "events"
	if v.merchant != nil {
		name += "-" + string(v.merchant.ID)
	}
	name += "-" + c.Authority.Now().UTC().Format("20060102T150405Z")
	if v.Request.URL.Query().Get("format") == "csv" {
		out := plain.NewCSV(v)
		if err := out.Line(eventColumns...); err != nil {
			return err
		}
		return sendFile(v, name+".csv", "text/csv; charset=utf-8", events, func(e *authority.Event) error { return out.Line(eventCells(e)...) }, out.Close)
	}
	out := json.NewEncoder(v)
	return sendFile(v, name+".ndjson", "application/x-ndjson", events, func(e *authority.Event) error { return out.Encode(c.eventLine(e)) }, func() error { return nil })
}

var eventColumns = []string{"seq", "time", "kind", "actor", "subject", "merchantId", "env", "address", "requestId", "details", "hash"}

func eventCells(e *authority.Event) []string {
	return []string{fmt.Sprint(e.Seq), e.Time.Format(time.RFC3339Nano), string(e.Kind), e.Actor.ID, e.Subject, string(e.MerchantID), e.Env,
		e.Actor.Address, e.Actor.RequestID, e.Details, fmt.Sprintf("%x", e.Hash)}
}

// eventLine is an event as the admin API writes it.
type eventLine struct {
	Seq        int64               `json:"seq"`
	Time       time.Time           `json:"time"`
	Actor      string              `json:"actor"`
	Address    string              `json:"address,omitempty"`
	RequestID  string              `json:"requestId,omitempty"`
	Kind       authority.EventKind `json:"kind"`
	Subject    string              `json:"subject"`
	MerchantID any                 `json:"merchantId,omitempty"` // a number where merchants are numbers
	Env        string              `json:"env,omitempty"`
	Details    json.RawMessage     `json:"details"`
	Hash       string              `json:"hash"`
}

func (c *Console) eventLine(e *authority.Event) eventLine {
	l := eventLine{Seq: e.Seq, Time: e.Time, Actor: e.Actor.ID, Address: e.Actor.Address, RequestID: e.Actor.RequestID, Kind: e.Kind,
		Subject: e.Subject, Env: e.Env, Details: json.RawMessage(e.Details), Hash: fmt.Sprintf("%x", e.Hash)}
	installation := c.Authority.Installation()
	switch {
	case e.MerchantID == "":
	case installation.MerchantIDs == authority.MerchantNumbers:
		l.MerchantID = json.Number(e.MerchantID)
	default:
		l.MerchantID = e.MerchantID
	}
	return l
}
