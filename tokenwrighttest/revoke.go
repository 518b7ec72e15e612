package tokenwrighttest

import (
	"slices"
	"time"

	"github.com/tokenwright/tokenwright/internal/accesstoken"
	"github.com/tokenwright/tokenwright/internal/jose"
)

const (
	feedLifetime = 600 // seconds from iat to exp of a feed
	wholeFeed    = -1
)

// revocations is what the issuer knows to be dead. Issuer.mu guards it.
type revocations struct {
	lineage, seq, minGeneration int64
	from                        int64 // seq at which the lineage began
	list                        []revocation
	age                         time.Duration // that feeds pretend to have
	begun                       int           // grows with what is no revocation, and every reader shall hear of at once
}

// revocation is one item of the feed, in the order of seq. One of clientID,
// token and keyID is set.
type revocation struct {
	seq        int64
	clientID   string
	generation int64
	token      accesstoken.RevokedToken
	keyID      string
}

func (k *revocations) add(r revocation) {
	k.seq++
	r.seq = k.seq
	k.list = append(k.list, r)
}

// since returns what is newer than after.
func (k *revocations) since(after int64) []revocation {
	at, _ := slices.BinarySearchFunc(k.list, after, func(r revocation, after int64) int {
		if r.seq <= after {
			return -1
		}
		return 1
	})
	return k.list[at:]
}

// RevokeToken ends one token (RFC 7009): the feed lists its jti, once.
func (iss *Issuer) RevokeToken(token string) {
	iss.t.Helper()
	m, err := jose.Parse(token)
	if err != nil {
		iss.t.Fatalf("tokenwrighttest: revoking a token: %v", err)
	}
	c, err := accesstoken.Parse(string(m.Payload))
	if err != nil {
		iss.t.Fatalf("tokenwrighttest: revoking a token: %v", err)
	}
	id, ok := accesstoken.ParseTokenID(c.ID)
	if !ok {
		iss.t.Fatalf("tokenwrighttest: revoking a token: its jti is not 128 bits in base64url")
	}
	iss.change(func() {
		again := func(r revocation) bool { return r.clientID+r.keyID == "" && r.token.ID == id }
		if !slices.ContainsFunc(iss.known.list, again) {
			iss.known.add(revocation{token: accesstoken.RevokedToken{ID: id, Expiry: c.Expiry}})
		}
	})
}

// RevokeClient ends all tokens that an API key has got so far, by a new
// generation, as tokenwright key update --revoke-tokens does. The key goes on
// to get tokens, which are good; RemoveKey ends the key as well.
func (iss *Issuer) RevokeClient(clientID string) {
	iss.t.Helper()
	iss.checkText("the client ID", clientID)
	iss.change(func() { iss.cutOff(clientID) })
}

func (iss *Issuer) cutOff(clientID string) {
	generation := max(iss.generation(clientID)+1, iss.now())
	iss.known.add(revocation{clientID: clientID, generation: generation})
}

// generation is that of an API key: of its tokens from now on.
func (iss *Issuer) generation(clientID string) int64 {
	generation := max(iss.created, iss.known.minGeneration)
	for _, r := range iss.known.list {
		if r.clientID == clientID {
			generation = max(generation, r.generation)
		}
	}
	return generation
}

// Restore is as if the issuer's database had been restored from a backup: a new
// lineage begins, which lists nothing, and all tokens so far are dead by its
// min_gen. Readers of the older lineage get the whole feed, at once.
func (iss *Issuer) Restore() {
	iss.change(func() {
		highest := max(iss.created, iss.known.minGeneration)
		for _, r := range iss.known.list {
			highest = max(highest, r.generation)
		}
		iss.known = revocations{
			lineage: iss.known.lineage + 1, minGeneration: max(highest+1, iss.now()),
			seq: iss.known.seq + 1, from: iss.known.seq + 1, age: iss.known.age, begun: iss.known.begun,
		}
	})
}

// StaleFeed makes feeds that are as old as age, as those of a node that has lost
// its database; feeds are good for 10 minutes. Readers that wait get one at once.
// What a reader has read before makes it no older. 0 makes feeds fresh again.
func (iss *Issuer) StaleFeed(age time.Duration) {
	iss.change(func() {
		iss.known.age = age
		iss.known.begun++
	})
}

// feed signs what is newer than after, where that is known, else everything.
func (iss *Issuer) feed(after int64) ([]byte, error) {
	iss.mu.Lock()
	defer iss.mu.Unlock()
	if after > iss.known.seq || after < iss.known.from {
		after = wholeFeed
	}
	now := iss.clock()
	at := now.Add(-iss.known.age).Unix()
	feed := accesstoken.Revocations{
		Issuer: iss.URL, IssuedAt: at, Expiry: at + feedLifetime,
		Lineage: iss.known.lineage, Seq: iss.known.seq, MinGeneration: iss.known.minGeneration,
		Partial: after >= 0, After: max(after, 0),
	}
	fill(&feed, iss.known.since(after), now.Unix())
	signer := iss.signing.active
	return signer.AppendCompact(nil, signer.Header(accesstoken.RevocationsType), feed.AppendJSON(nil))
}

// fill lists what is not over. Of the cut-offs of an API key the highest counts.
func fill(feed *accesstoken.Revocations, list []revocation, now int64) {
	place := map[string]int{}
	for _, r := range list {
		switch {
		case r.keyID != "":
			feed.SigningKeys = append(feed.SigningKeys, r.keyID)
		case r.clientID == "":
			if r.token.Expiry+60 >= now {
				feed.Tokens = append(feed.Tokens, r.token)
			}
		default:
			at, listed := place[r.clientID]
			if !listed {
				at = len(feed.Cutoffs)
				place[r.clientID] = at
				feed.Cutoffs = append(feed.Cutoffs, accesstoken.Cutoff{ClientID: r.clientID})
			}
			feed.Cutoffs[at].Generation = max(feed.Cutoffs[at].Generation, r.generation)
		}
	}
}
