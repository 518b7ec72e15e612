package authority

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// KeyOrder is an order of API keys.
type KeyOrder string

// The orders of API keys. Where two are equal in one, their IDs decide.
const (
	KeysByID        KeyOrder = ""
	KeysNewestFirst KeyOrder = "newest"
	KeysByName      KeyOrder = "name"
)

// KeyQuery selects API keys with their use, in an order. A Search, or an Order
// other than KeysByID, is within one merchant and environment.
type KeyQuery struct {
	APIKeyFilter
	// Search is how the name or the client ID begins; "" selects all. In names A
	// to Z and a to z are the same.
	Search string
	Order  KeyOrder
	// After is where the list begins, behind an API key that was listed; zero is
	// the beginning.
	After KeyPlace
	// Since is from when on uses are counted, beginning with its hour; zero counts
	// none.
	Since time.Time
}

// KeyPlace is the place of an API key in any order: as it was when it was
// listed, so that a list goes on there when the API key is renamed or deleted.
type KeyPlace struct {
	ID        ClientID
	Name      string
	CreatedAt time.Time
}

// Place returns the place of k.
func (k *APIKey) Place() KeyPlace { return KeyPlace{k.ID, k.Name, k.CreatedAt} }

// String writes p so that ParseKeyPlace reads it. For people it is nothing: it
// goes into a Cursor.
func (p KeyPlace) String() string {
	return string(p.ID) + " " + strconv.FormatInt(p.CreatedAt.UnixMilli(), 10) + " " + p.Name
}

// ParseKeyPlace reads what KeyPlace.String has written, else ErrCursor.
func ParseKeyPlace(text string) (KeyPlace, error) {
	parts := strings.SplitN(text, " ", 3)
	if len(parts) < 3 {
		return KeyPlace{}, ErrCursor
	}
	ms, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil {
		return KeyPlace{}, ErrCursor
	}
	return KeyPlace{ID: ClientID(parts[0]), Name: parts[2], CreatedAt: time.UnixMilli(ms).UTC()}, nil
}

// Fold makes A to Z small, and leaves all other characters alone: as names are
// compared where they are searched and ordered, in every database alike.
func Fold(text string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, text)
}

// maxSearch is how long a Search may be: names and client IDs are no longer.
const maxSearch = 300

// CheckSearch accepts what can be searched for, else *InvalidError.
func CheckSearch(text string) error { return checkText("search", text, maxSearch) }

func (q *KeyQuery) check() error {
	switch {
	case q.Order != KeysByID && q.Order != KeysNewestFirst && q.Order != KeysByName:
		return invalid("order", "is none of API keys")
	case (q.Search != "" || q.Order != KeysByID) && (q.MerchantID == "" || q.Env == ""):
		return invalid("search", "and order are within one merchant and environment: give both")
	}
	return CheckSearch(q.Search)
}

// KeyUses returns up to limit API keys that q selects, in its order, with their
// secrets and how they were used. Errors: *InvalidError.
func (a *Authority) KeyUses(ctx context.Context, actor Actor, q KeyQuery, limit int) ([]KeyUse, error) {
	if err := actor.May(APIKeysRead); err != nil || !q.within(&actor) {
		return nil, err
	}
	if err := q.check(); err != nil {
		return nil, err
	}
	list, err := a.store.KeyUses(ctx, q, limit)
	if err != nil {
		return nil, fmt.Errorf("reading the use of API keys: %w", err)
	}
	for i := range list {
		k := &list[i]
		k.APIKey = *a.aged(&k.APIKey)
		if env := environmentIndex(a.environments, k.Env); env >= 0 && !k.SecretCreatedAt.IsZero() {
			k.SecretExpiresAt = earlier(k.SecretExpiresAt, a.environments[env].oldest(k.SecretCreatedAt))
		}
	}
	return list, nil
}

// KeyCount is how many API keys a merchant has in an environment, and how many
// it may have.
type KeyCount struct {
	Active, ActiveLimit       int // of status active, expired or not
	Undeleted, UndeletedLimit int
}

// KeyCount counts the API keys of a merchant in an environment; ErrNotFound.
func (a *Authority) KeyCount(ctx context.Context, actor Actor, id MerchantID, env string) (KeyCount, error) {
	if err := actor.May(APIKeysRead); err != nil {
		return KeyCount{}, err
	}
	if err := actor.Sees(id, env); err != nil {
		return KeyCount{}, err
	}
	if id == "" || environmentIndex(a.environments, env) < 0 {
		return KeyCount{}, ErrNotFound
	}
	c, err := a.store.KeyCount(ctx, id, env, KeyLimits{Undeleted: undeletedFactor})
	if err != nil {
		return KeyCount{}, fmt.Errorf("counting API keys: %w", err)
	}
	return c, nil
}

// APIKeyNames returns the names of those of the API keys that exist for the actor,
// for pages that tell of several.
func (a *Authority) APIKeyNames(ctx context.Context, actor Actor, ids []ClientID) (map[ClientID]string, error) {
	if err := actor.May(APIKeysRead); err != nil {
		return nil, err
	}
	merchant, env := actor.bound()
	names, err := a.store.APIKeyNames(ctx, APIKeyFilter{MerchantID: merchant, Env: env}, ids)
	if err != nil {
		return nil, fmt.Errorf("reading the names of API keys: %w", err)
	}
	return names, nil
}
