package authority

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/accesstoken"
	"github.com/tokenwright/tokenwright/internal/credential"
)

// lists are two revocations of each kind. The first of a kind ends a moment before
// those that prune and fill are asked to keep, the second with them.
func lists() *revocations {
	id := func(n byte) accesstoken.TokenID { return accesstoken.TokenID{n} }
	return &revocations{
		live: map[accesstoken.TokenID]struct{}{id(1): {}, id(4): {}},
		tokens: []revokedToken{
			{1, accesstoken.RevokedToken{ID: id(1), Expiry: 99}}, {4, accesstoken.RevokedToken{ID: id(4), Expiry: 100}},
		},
		cutoffs: []cutoff{{2, [credential.IDLength]byte{2}, 20, 999}, {5, [credential.IDLength]byte{5}, 50, 1000}},
		keys:    []revokedKey{{3, "third", 999}, {6, "sixth", 1000}},
	}
}

// told writes what a feed lists.
func told(f *accesstoken.Revocations) string {
	var b strings.Builder
	for _, t := range f.Tokens {
		fmt.Fprint(&b, t.ID[0], " ")
	}
	for _, c := range f.Cutoffs {
		fmt.Fprint(&b, c.ClientID, ":", c.Generation, " ")
	}
	return strings.TrimSpace(b.String() + strings.Join(f.SigningKeys, " "))
}

// C-170: a feed lists what is newer than it begins behind, and nothing that is over.
func TestAFeedListsWhatIsNewerAndNotOver(t *testing.T) {
	c := lists().content()
	clientID := func(random [credential.IDLength]byte) string { return fmt.Sprint(random[0]) }
	for _, tc := range []struct {
		after            int64
		newer            int
		all, withoutOver string
	}{
		{WholeFeed, 6, "1 4 2:20 5:50 third sixth", "4 5:50 sixth"},
		{0, 6, "1 4 2:20 5:50 third sixth", "4 5:50 sixth"},
		{1, 5, "4 2:20 5:50 third sixth", "4 5:50 sixth"},
		{3, 3, "4 5:50 sixth", "4 5:50 sixth"},
		{4, 2, "5:50 sixth", "5:50 sixth"},
		{6, 0, "", ""},
		{7, 0, "", ""},
	} {
		if got := c.newer(tc.after); got != tc.newer {
			t.Errorf("newer than %d are %d, want %d", tc.after, got, tc.newer)
		}
		var all, some accesstoken.Revocations
		c.fill(&all, tc.after, 99, 999, clientID)
		c.fill(&some, tc.after, 100, 1000, clientID)
		if told(&all) != tc.all || told(&some) != tc.withoutOver {
			t.Errorf("behind %d: %q and %q, want %q and %q", tc.after, told(&all), told(&some), tc.all, tc.withoutOver)
		}
	}
}

// C-159: of several cut-offs of an API key the highest generation counts, whenever it came.
func TestAFeedListsTheHighestCutoff(t *testing.T) {
	a, b := [credential.IDLength]byte{1}, [credential.IDLength]byte{2}
	c := content{cutoffs: []cutoff{{1, a, 7, 0}, {2, b, 3, 0}, {3, a, 9, 0}, {4, a, 8, 0}, {5, b, 4, 0}}}
	var f accesstoken.Revocations
	c.fill(&f, 0, 0, 0, func(random [credential.IDLength]byte) string { return fmt.Sprint(random[0]) })
	if got := told(&f); got != "1:9 2:4" {
		t.Errorf("listed are %q", got)
	}
}

// C-170: what is over is given up, and nothing else: a revoked token that can be
// alive stays dead.
func TestOnlyWhatIsOverIsGivenUp(t *testing.T) {
	for _, tc := range []struct {
		expired, created int64
		left             string
	}{
		{99, 999, "1 4 2:20 5:50 third sixth"}, {100, 999, "4 2:20 5:50 third sixth"}, {99, 1000, "1 4 5:50 sixth"}, {101, 1001, ""},
	} {
		r := lists()
		r.prune(tc.expired, tc.created)
		var f accesstoken.Revocations
		c := r.content()
		c.fill(&f, WholeFeed, 0, 0, func(random [credential.IDLength]byte) string { return fmt.Sprint(random[0]) })
		if told(&f) != tc.left {
			t.Errorf("before %d and %d: left are %q, want %q", tc.expired, tc.created, told(&f), tc.left)
		}
		for _, token := range lists().tokens {
			listed := slices.ContainsFunc(f.Tokens, func(left accesstoken.RevokedToken) bool { return left.ID == token.ID })
			if r.has(token.ID, "") != listed {
				t.Errorf("before %d: token %d is revoked: %v", tc.expired, token.ID[0], !listed)
			}
		}
	}
}

// The memory of what is over is given up in every environment, once a minute.
func TestWhatIsOverIsGivenUpOnceAMinute(t *testing.T) {
	d := testDirectory()
	var issuers []*Issuer
	for i := range d.environments {
		d.revoked[i] = lists()
		issuers = append(issuers, &Issuer{listedFor: time.Hour})
	}
	d.issuers.Store(&issuers)
	left := func(n int) int { return len(d.revoked[n].tokens) + len(d.revoked[n].cutoffs) + len(d.revoked[n].keys) }
	now := time.Unix(159, 0) // a minute after the first token's end: it may still be believed
	for _, step := range []struct {
		after time.Duration
		want  int
	}{{0, 6}, {pruneInterval - time.Second, 6}, {time.Second, 4}, {time.Hour, 0}} {
		now = now.Add(step.after)
		d.pruneRevocations(now)
		for i := range d.environments {
			if got := left(i); got != step.want {
				t.Errorf("at %d s %d are left in %s, want %d", now.Unix(), got, d.environments[i].Name, step.want)
			}
		}
	}
}

// News wakes everybody who waits, and those who come later wait for the next.
func TestNewsWakesWhoeverWaits(t *testing.T) {
	var n news
	n.tell() // nobody
	for range 2 {
		one, two := n.wait(), n.wait()
		select {
		case <-one:
			t.Fatal("woken without news")
		default:
		}
		n.tell()
		select {
		case <-two:
		default:
			t.Fatal("news wakes nobody")
		}
		if _, open := <-one; open {
			t.Fatal("news wakes one alone")
		}
	}
}
