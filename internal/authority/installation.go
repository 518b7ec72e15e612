package authority

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tokenwright/tokenwright/internal/accesstoken"
	"github.com/tokenwright/tokenwright/internal/credential"
)

// MerchantIDKind says what the merchants of an installation are identified by.
type MerchantIDKind string

// The kinds of merchant IDs.
const (
	MerchantNumbers MerchantIDKind = "number" // 1…9007199254740991, a JSON number on the wire
	MerchantText    MerchantIDKind = "text"   // 1-64 of [A-Za-z0-9_-], a JSON string
)

// Installation is what is fixed at first start.
type Installation struct {
	Prefix       string // of credentials
	MerchantIDs  MerchantIDKind
	Lineage      Lineage
	CreatedAt    time.Time
	Environments []Environment // name, issuer and algorithm, in their order

	// Copied says that the database is a copy of the one that was worked on, as a
	// restored dump is.
	Copied bool
	// MovedTo names the database that the installation was moved to; "" where it
	// was not.
	MovedTo string
	// Arriving says that it is being moved here, or that this was interrupted: it is
	// worked on where it comes from, or nowhere.
	Arriving bool
}

// Lineage is one history of an installation. A restore begins another one: of
// what verifiers have heard before, nothing may be missed.
type Lineage struct {
	Number int64
	// MinGeneration is the lowest generation that lives, of whatever API key.
	MinGeneration int64
	// From is the number of the last revocation that may be of an earlier one:
	// whoever knows the feed up to there is told all.
	From int64
}

// MerchantID identifies a merchant, as text whatever the kind.
type MerchantID string

// ParseMerchantID reads a merchant ID as people write it.
func (i *Installation) ParseMerchantID(text string) (MerchantID, error) {
	if i.MerchantIDs == MerchantText {
		if len(text) < 1 || len(text) > 64 || strings.ContainsFunc(text, notWordCharacter) {
			return "", invalid("merchantId", "is not 1 to 64 characters of A-Z, a-z, 0-9, _ and -")
		}
		return MerchantID(text), nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 || n > accesstoken.MaxMerchantNumber || strconv.FormatInt(n, 10) != text {
		return "", invalid("merchantId", "is not a whole number from 1 to %d", int64(accesstoken.MaxMerchantNumber))
	}
	return MerchantID(text), nil
}

func notWordCharacter(r rune) bool {
	return (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '_' && r != '-'
}

// Initialize makes an installation in the empty database of cfg.Store: a root
// key sealed under the first master key, and for each environment an active
// signing key and an announced one. ErrExists where there is one already.
func Initialize(ctx context.Context, cfg Config, prefix string, ids MerchantIDKind, actor Actor) error {
	if !credential.ValidPrefix(prefix) {
		return invalid("prefix", "is not of the form [a-z][a-z0-9]{0,7}")
	}
	if ids != MerchantNumbers && ids != MerchantText {
		return invalid("merchant_ids", "is neither number nor text")
	}
	clock := cfg.Clock
	if clock == nil {
		clock = time.Now
	}
	now := clock().UTC().Truncate(time.Millisecond)
	root := newRootKey()
	keys, err := firstSigningKeys(root, &cfg, now)
	if err != nil {
		return err
	}
	inst := &Installation{Prefix: prefix, MerchantIDs: ids, Lineage: Lineage{Number: 1}, CreatedAt: now, Environments: cfg.Environments}
	kids := make([]string, len(keys))
	for i := range keys {
		kids[i] = keys[i].Env + "=" + keys[i].KeyID
	}
	d := newDraft(root, now, actor, InstallationCreated, prefix, details{"signingKeys": kids})
	if err := cfg.Store.Initialize(ctx, inst, root.sealWith(cfg.MasterKeys[0], now), keys, d); err != nil {
		return fmt.Errorf("setting up the installation: %w", err)
	}
	return nil
}

// RotateMasterKey seals the root key under next. Nothing else changes: every
// secret, signing key and event stays as it is, and running servers need no
// master key until they are started again.
func (a *Authority) RotateMasterKey(ctx context.Context, actor Actor, next MasterKey) error {
	_, sealed, err := a.store.Installation(ctx)
	if err != nil {
		return fmt.Errorf("reading the root key: %w", err)
	}
	now := a.now()
	d := a.draft(actor, MasterKeyRotated, strconv.FormatInt(a.root.id, 10), nil)
	if err := a.store.ReplaceRootKey(ctx, sealed.Sealed, a.root.sealWith(next, now), d); err != nil {
		return fmt.Errorf("sealing the root key anew: %w", err)
	}
	return a.catchUp(ctx)
}

// KeepMasterKey seals the root key under current, unless it is: the database may be
// from before a rotation.
func (a *Authority) KeepMasterKey(ctx context.Context, actor Actor, current MasterKey) error {
	_, sealed, err := a.store.Installation(ctx)
	if err != nil {
		return fmt.Errorf("reading the root key: %w", err)
	}
	if _, err := openRootKey(sealed, []MasterKey{current}); err == nil {
		return nil
	}
	return a.RotateMasterKey(ctx, actor, current)
}

// check compares the environments a node is configured with and the recorded ones.
func (i *Installation) check(configured []Environment) error {
	names := func(envs []Environment) string {
		var b strings.Builder
		for j := range envs {
			b.WriteString(" " + envs[j].Name)
		}
		return b.String()
	}
	if names(configured) != names(i.Environments) {
		return fmt.Errorf("%w: recorded are%s; configured are%s", ErrEnvironments, names(i.Environments), names(configured))
	}
	for j := range configured {
		have, want := &i.Environments[j], &configured[j]
		if have.Issuer != want.Issuer {
			return fmt.Errorf("%w: the issuer of %s is recorded as %s and configured as %s (issuers follow the server's URL)",
				ErrEnvironments, have.Name, have.Issuer, want.Issuer)
		}
		if have.Algorithm != want.Algorithm {
			return fmt.Errorf("%w: the algorithm of %s is recorded as %s and configured as %s",
				ErrEnvironments, have.Name, have.Algorithm, want.Algorithm)
		}
	}
	return nil
}
