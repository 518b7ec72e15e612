package notice

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/mail"
)

// text is a notice in words.
type text struct{ subject, body string }

// facts are what the words are about.
type facts struct {
	name     string // of the API key, "" where it was deleted since
	clientID string
	merchant string // "" for an operator key
	env      string
	secret   string // its number and name; "" where none is concerned
	ends     time.Time
	ended    bool // at once, when the event happened
}

// called is the API key in a sentence.
func (f *facts) called() string {
	if f.name == "" {
		return f.clientID
	}
	return "“" + f.name + "”"
}

// end is when the secret works no more.
func (f *facts) end() string {
	if f.ended {
		return "works no more"
	}
	return "ends on " + moment(f.ends)
}

// words are those of each kind of event that people are told of.
var words = map[authority.EventKind]struct {
	subject, happened, todo func(*facts) string
	// stale tells whether nobody needs to know once the API key is deleted.
	stale bool
}{
	authority.APIKeyExpiring: {
		subject: func(f *facts) string { return "API key " + f.called() + " ends on " + day(f.ends) },
		happened: func(f *facts) string {
			return "This API key ends on " + moment(f.ends) + ". From then on it gets no access tokens."
		},
		todo: func(*facts) string {
			return "If it is still in use, set a later end, or let what uses it use another API key before then."
		},
		stale: true,
	},
	authority.SecretExpiring: {
		subject: func(f *facts) string { return "A secret of API key " + f.called() + " ends on " + day(f.ends) },
		happened: func(f *facts) string {
			return "A secret of this API key ends on " + moment(f.ends) + ". Who uses it gets no access tokens from then on."
		},
		todo: func(*facts) string {
			return "If it is still in use, rotate it, and give the new secret to what uses the old one before then."
		},
		stale: true,
	},
	authority.SecretLeaked: {
		subject: func(f *facts) string { return "A secret of API key " + f.called() + " was found in the open" },
		happened: func(f *facts) string {
			return "A secret of this API key was found where others can read it, and reported. Every access token of the API key was revoked, " +
				"and the secret " + f.end() + "."
		},
		todo: func(*facts) string {
			return "Rotate the secret now, give the new one to what uses the API key, and look in the events where it was found."
		},
	},
	authority.TokenLeaked: {
		subject: func(f *facts) string { return "An access token of API key " + f.called() + " was found in the open" },
		happened: func(*facts) string {
			return "An access token of this API key was found where others can read it, and reported. Every access token of the API key was revoked; " +
				"its client gets new ones by itself."
		},
		todo: func(*facts) string {
			return "Look in the events where it was found. If the secret may have been there too, rotate it now."
		},
	},
}

// Readers' zones nobody knows.
func day(t time.Time) string    { return t.UTC().Format("2 January 2006") }
func moment(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 UTC") }

// system reads what a notice is about.
var system = authority.Actor{ID: "system", Permissions: authority.Everything()}

// write puts an event into words; nil where nobody needs to know any more.
func (n *Notifier) write(ctx context.Context, e *authority.Event) (*text, error) {
	f, err := n.read(ctx, e)
	if err != nil {
		return nil, err
	}
	w := words[e.Kind]
	if f.name == "" && w.stale {
		return nil, nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\nWhat to do: %s\n\n", w.happened(f), w.todo(f))
	for _, line := range [...][2]string{
		{"API key", f.name}, {"Client ID", f.clientID}, {"Secret", f.secret}, {"Merchant", f.merchant}, {"Environment", f.env},
	} {
		if line[1] != "" {
			fmt.Fprintf(&b, "%-12s %s\n", line[0]+":", line[1])
		}
	}
	fmt.Fprintf(&b, "\n%s\n%s", n.page(e), mail.Signature(n.Site))
	return &text{w.subject(f), b.String()}, nil
}

// page is where in the console something can be done.
func (n *Notifier) page(e *authority.Event) string {
	if e.MerchantID == "" {
		return n.Site + "/console"
	}
	return n.Site + "/console/merchants/" + url.PathEscape(string(e.MerchantID)) + "/api-keys/" + e.Env + "/" + e.Subject
}

// read looks up what the event names by ID.
func (n *Notifier) read(ctx context.Context, e *authority.Event) (*facts, error) {
	var details struct {
		SecretID  int64     `json:"secretId"`
		ExpiresAt time.Time `json:"expiresAt"`
	}
	if err := json.Unmarshal([]byte(e.Details), &details); err != nil {
		return nil, fmt.Errorf("reading event %d: %w", e.Seq, err)
	}
	f := &facts{clientID: e.Subject, env: e.Env, ends: details.ExpiresAt, ended: !details.ExpiresAt.After(e.Time)}
	if details.SecretID != 0 {
		f.secret = fmt.Sprint(details.SecretID)
	}
	k, err := n.Authority.APIKey(ctx, system, authority.ClientID(e.Subject))
	switch {
	case err == nil:
		f.name = k.Name
		for i := range k.Secrets {
			if s := &k.Secrets[i]; s.ID == details.SecretID && s.Name != "" {
				f.secret += ", " + s.Name
			}
		}
	case !errors.Is(err, authority.ErrNotFound):
		return nil, err
	}
	if e.MerchantID == "" {
		return f, nil
	}
	f.merchant = string(e.MerchantID)
	m, err := n.Authority.Merchant(ctx, system, e.MerchantID)
	switch {
	case err == nil:
		f.merchant = m.Name + " (" + f.merchant + ")"
	case !errors.Is(err, authority.ErrNotFound):
		return nil, err
	}
	return f, nil
}
