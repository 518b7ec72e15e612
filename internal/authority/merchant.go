package authority

import (
	"context"
	"errors"
	"fmt"
	"slices"
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

// NewMerchant is what to create.
type NewMerchant struct {
	ID       MerchantID
	Name     string
	KeyLimit *int // nil means DefaultKeyLimit
}

// MerchantFilter selects merchants; an empty field selects all.
type MerchantFilter struct {
	// Search is how the ID or the name begins. In names A to Z and a to z are the
	// same.
	Search string
}

// matches does what a search does.
func (f *MerchantFilter) matches(m *Merchant) bool {
	return strings.HasPrefix(string(m.ID), f.Search) || strings.HasPrefix(Fold(m.Name), Fold(f.Search))
}

// MerchantUpdate is what to change of a merchant; nil leaves a field as it is.
type MerchantUpdate struct {
	Name     *string
	KeyLimit *int
	// IfVersion, where not 0, must be the version that is changed, else
	// ErrVersion.
	IfVersion int64
}

// CreateMerchant adds a merchant; ErrExists where the ID is or was in use.
func (a *Authority) CreateMerchant(ctx context.Context, actor Actor, n NewMerchant) (*Merchant, error) {
	if err := actor.May(MerchantsWrite); err != nil {
		return nil, err
	}
	if _, err := a.installation.ParseMerchantID(string(n.ID)); err != nil {
		return nil, err
	}
	now := a.now()
	m := &Merchant{ID: n.ID, Name: n.Name, Status: Active, KeyLimit: DefaultKeyLimit, CreatedAt: now, UpdatedAt: now, Version: 1}
	set := details{"name": n.Name}
	if n.KeyLimit != nil {
		m.KeyLimit, set["keyLimit"] = *n.KeyLimit, *n.KeyLimit
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	d := a.draft(actor, MerchantCreated, string(m.ID), set).about(m.ID, "")
	if err := a.reply(actor, d, nil, m); err != nil {
		return nil, err
	}
	if err := a.store.CreateMerchant(ctx, m, d); err != nil {
		return nil, fmt.Errorf("creating merchant %s: %w", m.ID, err)
	}
	return m, a.catchUp(ctx)
}

func (m *Merchant) check() error {
	if m.KeyLimit < 0 || m.KeyLimit > maxKeyLimit {
		return invalid("keyLimit", "is not from 0 to %d", maxKeyLimit)
	}
	return CheckName("name", m.Name)
}

// Merchant returns one merchant, or ErrNotFound.
func (a *Authority) Merchant(ctx context.Context, actor Actor, id MerchantID) (*Merchant, error) {
	if err := actor.May(MerchantsRead); err != nil {
		return nil, err
	}
	if only, _ := actor.bound(); only != "" && only != id {
		return nil, ErrNotFound
	}
	m, err := a.store.Merchant(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("reading merchant %s: %w", id, err)
	}
	return m, nil
}

// Merchants returns up to limit merchants that f matches in the order of their
// IDs, beginning behind after. An actor bound to one merchant sees that alone.
func (a *Authority) Merchants(ctx context.Context, actor Actor, f MerchantFilter, after MerchantID, limit int) ([]Merchant, error) {
	if err := actor.May(MerchantsRead); err != nil {
		return nil, err
	}
	if err := CheckSearch(f.Search); err != nil {
		return nil, err
	}
	if only, _ := actor.bound(); only != "" {
		m, err := a.Merchant(ctx, actor, only)
		if err != nil || after >= only || limit < 1 || !f.matches(m) {
			return nil, err
		}
		return []Merchant{*m}, nil
	}
	list, err := a.store.Merchants(ctx, f, after, limit)
	if err != nil {
		return nil, fmt.Errorf("reading merchants: %w", err)
	}
	return list, nil
}

// ActiveKeys counts the API keys of status active of merchants, by environment:
// those beside the rows of a list. What has none, or does not exist for the
// actor, is not in it.
func (a *Authority) ActiveKeys(ctx context.Context, actor Actor, ids []MerchantID) (map[MerchantID]map[string]int, error) {
	if err := actor.May(APIKeysRead); err != nil {
		return nil, err
	}
	if only, _ := actor.bound(); only != "" {
		ids = slices.DeleteFunc(slices.Clone(ids), func(id MerchantID) bool { return id != only })
	}
	counts, err := a.store.ActiveKeys(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("counting API keys: %w", err)
	}
	return counts, nil
}

// MerchantNames returns the names of those of the merchants that exist for the
// actor, for pages that tell of several.
func (a *Authority) MerchantNames(ctx context.Context, actor Actor, ids []MerchantID) (map[MerchantID]string, error) {
	if err := actor.May(MerchantsRead); err != nil {
		return nil, err
	}
	seen := slices.DeleteFunc(slices.Clone(ids), func(id MerchantID) bool { only, _ := actor.bound(); return only != "" && id != only })
	names, err := a.store.MerchantNames(ctx, seen)
	if err != nil {
		return nil, fmt.Errorf("reading the names of merchants: %w", err)
	}
	return names, nil
}

// UpdateMerchant changes name or key limit.
func (a *Authority) UpdateMerchant(ctx context.Context, actor Actor, id MerchantID, u MerchantUpdate) (*Merchant, error) {
	set := details{}
	return a.changeMerchant(ctx, actor, id, u.IfVersion, MerchantUpdated, set, func(m *Merchant) (cutoff int64, err error) {
		if u.Name != nil {
			m.Name, set["name"] = *u.Name, *u.Name
		}
		if u.KeyLimit != nil {
			m.KeyLimit, set["keyLimit"] = *u.KeyLimit, *u.KeyLimit
		}
		if len(set) == 0 {
			return 0, errUnchanged
		}
		return 0, m.check()
	})
}

// SuspendMerchant stops every API key of the merchant and kills their tokens.
// ifVersion is as in MerchantUpdate, here and below.
func (a *Authority) SuspendMerchant(ctx context.Context, actor Actor, id MerchantID, ifVersion int64) (*Merchant, error) {
	return a.changeMerchant(ctx, actor, id, ifVersion, MerchantSuspended, nil, func(m *Merchant) (int64, error) {
		if m.Status == Suspended {
			return 0, errUnchanged
		}
		m.Status = Suspended
		return a.now().Unix(), nil
	})
}

// ResumeMerchant lets the API keys of a suspended merchant work again. Tokens
// from before the suspension stay dead.
func (a *Authority) ResumeMerchant(ctx context.Context, actor Actor, id MerchantID, ifVersion int64) (*Merchant, error) {
	return a.changeMerchant(ctx, actor, id, ifVersion, MerchantResumed, nil, func(m *Merchant) (int64, error) {
		if m.Status == Active {
			return 0, errUnchanged
		}
		m.Status = Active
		return 0, nil
	})
}

// DeleteMerchant ends a merchant for ever; ErrMerchantInUse while it has API
// keys. Its ID never returns (C-075).
func (a *Authority) DeleteMerchant(ctx context.Context, actor Actor, id MerchantID, ifVersion int64) error {
	if err := actor.May(MerchantsDelete); err != nil {
		return err
	}
	var m *Merchant
	err := RetryConflicts(func() (err error) {
		if m, err = a.store.Merchant(ctx, id); err != nil {
			return err
		}
		return actor.reachesMerchant(m, ifVersion)
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

// isVersion tells whether a thing is as the actor has seen it, where that
// matters.
func isVersion(version, ifVersion int64) error {
	if ifVersion != 0 && ifVersion != version {
		return ErrVersion
	}
	return nil
}

func (a *Actor) reachesMerchant(m *Merchant, ifVersion int64) error {
	if only, _ := a.bound(); only != "" && only != m.ID {
		return ErrNotFound
	}
	return isVersion(m.Version, ifVersion)
}

func (a *Authority) changeMerchant(ctx context.Context, actor Actor, id MerchantID, ifVersion int64, kind EventKind, set details,
	change func(*Merchant) (cutoff int64, err error)) (m *Merchant, err error) {
	if err := actor.May(MerchantsWrite); err != nil {
		return nil, err
	}
	var cutoff int64
	err = RetryConflicts(func() error {
		if m, err = a.store.Merchant(ctx, id); err != nil {
			return err
		}
		if err = actor.reachesMerchant(m, ifVersion); err == nil {
			cutoff, err = change(m)
		}
		return err
	}, func() error {
		m.Version, m.UpdatedAt = m.Version+1, a.now()
		d := a.draft(actor, kind, string(id), set).about(id, "")
		if err := a.reply(actor, d, nil, m); err != nil {
			return err
		}
		return a.store.UpdateMerchant(ctx, m, cutoff, d)
	})
	if errors.Is(err, errUnchanged) { // it may be another node's change, which acts here only now
		err = a.Remember(ctx, actor, nil, m)
	}
	if err != nil {
		return nil, fmt.Errorf("changing merchant %s: %w", id, err)
	}
	return m, a.catchUp(ctx)
}

// RetryConflicts reads and writes again while others change the same thing in
// between. What read itself refuses stays refused.
func RetryConflicts(read, write func() error) (err error) {
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

// CheckName accepts what people may call things: 1 to 100 characters without
// control characters, so that lists and logs keep their lines (C-226).
func CheckName(field, name string) error {
	if strings.TrimSpace(name) == "" {
		return invalid(field, "is empty")
	}
	return checkText(field, name, 100)
}

func checkText(field, text string, most int) error {
	if !utf8.ValidString(text) || strings.ContainsFunc(text, isControl) {
		return invalid(field, "has a control character")
	}
	if utf8.RuneCountInString(text) > most {
		return invalid(field, "is longer than %d characters", most)
	}
	return nil
}

// isControl tells whether r ends lines, or changes how what is beside it looks.
func isControl(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control) || r == '\u2028' || r == '\u2029'
}

// wireMerchant gives the ID as tokens carry it.
func (i *Installation) wireMerchant(id MerchantID) accesstoken.MerchantID {
	return accesstoken.MerchantID{Text: string(id), Number: i.MerchantIDs == MerchantNumbers}
}
