package authority

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/tokenwright/tokenwright/internal/accesstoken"
)

// Status is the state of a merchant or an API key.
type Status string

// The states: merchants are active or suspended, API keys active or disabled.
const (
	Active    Status = "active"
	Suspended Status = "suspended"
	Disabled  Status = "disabled"
)

// DefaultKeyLimit is how many active API keys a new merchant may have in each
// environment.
const DefaultKeyLimit = 3

// maxKeyLimit bounds what an operator can raise the limit to.
const maxKeyLimit = 10_000

// Merchant is a tenant.
type Merchant struct {
	ID        MerchantID
	Name      string
	Status    Status
	KeyLimit  int // active API keys per environment
	CreatedAt time.Time
	UpdatedAt time.Time
	Version   int64 // 1, raised by every change
}

// MerchantUpdate is what to change of a merchant; nil leaves a field as it is.
type MerchantUpdate struct {
	Name     *string
	KeyLimit *int
}

// CreateMerchant adds a merchant; ErrExists where the ID is or was in use.
func (a *Authority) CreateMerchant(ctx context.Context, actor Actor, id MerchantID, name string) (*Merchant, error) {
	if _, err := a.installation.ParseMerchantID(string(id)); err != nil {
		return nil, err
	}
	if err := checkName("name", name); err != nil {
		return nil, err
	}
	now := a.now()
	m := &Merchant{ID: id, Name: name, Status: Active, KeyLimit: DefaultKeyLimit, CreatedAt: now, UpdatedAt: now, Version: 1}
	d := a.draft(actor, MerchantCreated, string(id), details{"name": name}).about(id, "")
	if err := a.store.CreateMerchant(ctx, m, d); err != nil {
		return nil, fmt.Errorf("creating merchant %s: %w", id, err)
	}
	return m, a.catchUp(ctx)
}

// Merchant returns one merchant, or ErrNotFound.
func (a *Authority) Merchant(ctx context.Context, id MerchantID) (*Merchant, error) {
	m, err := a.store.Merchant(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("reading merchant %s: %w", id, err)
	}
	return m, nil
}

// Merchants returns up to limit merchants in the order of their IDs, beginning
// behind after.
func (a *Authority) Merchants(ctx context.Context, after MerchantID, limit int) ([]Merchant, error) {
	list, err := a.store.Merchants(ctx, after, limit)
	if err != nil {
		return nil, fmt.Errorf("reading merchants: %w", err)
	}
	return list, nil
}

// UpdateMerchant changes name or key limit.
func (a *Authority) UpdateMerchant(ctx context.Context, actor Actor, id MerchantID, u MerchantUpdate) (*Merchant, error) {
	set := details{}
	return a.changeMerchant(ctx, actor, id, MerchantUpdated, set, func(m *Merchant) (cutoff int64, err error) {
		if u.Name != nil {
			m.Name, set["name"] = *u.Name, *u.Name
			if err := checkName("name", m.Name); err != nil {
				return 0, err
			}
		}
		if u.KeyLimit != nil {
			m.KeyLimit, set["keyLimit"] = *u.KeyLimit, *u.KeyLimit
			if m.KeyLimit < 0 || m.KeyLimit > maxKeyLimit {
				return 0, invalid("keyLimit", "is not from 0 to %d", maxKeyLimit)
			}
		}
		if len(set) == 0 {
			return 0, errUnchanged
		}
		return 0, nil
	})
}

// SuspendMerchant stops every API key of the merchant and kills their tokens.
func (a *Authority) SuspendMerchant(ctx context.Context, actor Actor, id MerchantID) (*Merchant, error) {
	return a.changeMerchant(ctx, actor, id, MerchantSuspended, nil, func(m *Merchant) (int64, error) {
		if m.Status == Suspended {
			return 0, errUnchanged
		}
		m.Status = Suspended
		return a.now().Unix(), nil
	})
}

// ResumeMerchant lets the API keys of a suspended merchant work again. Tokens
// from before the suspension stay dead.
func (a *Authority) ResumeMerchant(ctx context.Context, actor Actor, id MerchantID) (*Merchant, error) {
	return a.changeMerchant(ctx, actor, id, MerchantResumed, nil, func(m *Merchant) (int64, error) {
		if m.Status == Active {
			return 0, errUnchanged
		}
		m.Status = Active
		return 0, nil
	})
}

// DeleteMerchant ends a merchant for ever; ErrMerchantInUse while it has API
// keys. Its ID never returns (C-075).
func (a *Authority) DeleteMerchant(ctx context.Context, actor Actor, id MerchantID) error {
	var m *Merchant
	err := retryConflicts(func() (err error) {
		m, err = a.store.Merchant(ctx, id)
		return err
	}, func() error {
		m.Version, m.UpdatedAt = m.Version+1, a.now()
		return a.store.DeleteMerchant(ctx, m, a.draft(actor, MerchantDeleted, string(id), nil).about(id, ""))
	})
	if err != nil {
		return fmt.Errorf("deleting merchant %s: %w", id, err)
	}
	return a.catchUp(ctx)
}

// errUnchanged ends a change that has nothing to do; it never leaves the package.
var errUnchanged = errors.New("nothing to change")

func (a *Authority) changeMerchant(ctx context.Context, actor Actor, id MerchantID, kind EventKind, set details,
	change func(*Merchant) (cutoff int64, err error)) (m *Merchant, err error) {
	var cutoff int64
	err = retryConflicts(func() error {
		if m, err = a.store.Merchant(ctx, id); err != nil {
			return err
		}
		cutoff, err = change(m)
		return err
	}, func() error {
		m.Version, m.UpdatedAt = m.Version+1, a.now()
		return a.store.UpdateMerchant(ctx, m, cutoff, a.draft(actor, kind, string(id), set).about(id, ""))
	})
	if errors.Is(err, errUnchanged) { // it may be another node's change, which acts here only now
		return m, a.catchUp(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("changing merchant %s: %w", id, err)
	}
	return m, a.catchUp(ctx)
}

// retryConflicts reads and writes again while others change the same thing in
// between. What read itself refuses stays refused.
func retryConflicts(read, write func() error) (err error) {
	for range 10 {
		if err = read(); err != nil {
			return err
		}
		if err = write(); !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return err
}

// checkName accepts what people may call things: 1 to 100 characters without
// control characters, so that lists and logs keep their lines (C-226).
func checkName(field, name string) error {
	if strings.TrimSpace(name) == "" {
		return invalid(field, "is empty")
	}
	return checkText(field, name, 100)
}

func checkText(field, text string, most int) error {
	if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool {
		return unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control) || r == '\u2028' || r == '\u2029'
	}) {
		return invalid(field, "has a control character")
	}
	if utf8.RuneCountInString(text) > most {
		return invalid(field, "is longer than %d characters", most)
	}
	return nil
}

// wireMerchant gives the ID as tokens carry it.
func (i *Installation) wireMerchant(id MerchantID) accesstoken.MerchantID {
	return accesstoken.MerchantID{Text: string(id), Number: i.MerchantIDs == MerchantNumbers}
}
