package store

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// testConformance holds a store to what authority.Store promises. open returns
// an empty database each time it is called.
func testConformance(t *testing.T, open func(t *testing.T) authority.Store) {
	for _, test := range []struct {
		rule string
		run  func(t *testing.T, s authority.Store)
	}{
		{"InitializeWorksOnceOnAnEmptyDatabase", testInitialize},
		{"ReplaceRootKeyComparesThePrevious", testReplaceRootKey},
		{"MerchantsAreKeptAndPaged", testMerchants},
		{"MerchantsAreSearched", testMerchantSearch},
		{"ActiveKeysAreCountedByMerchant", testActiveKeys},
		{"UpdateMerchantComparesVersions", testUpdateMerchant},
		{"UpdateMerchantRaisesGenerations", testCutoff},
		{"DeleteMerchantIsFinal", testDeleteMerchant},
		{"ScopesAreKept", testScopes},
		{"DeleteScopeRefusesWhatIsHeld", testDeleteScope},
		{"APIKeysAreKeptAndPaged", testAPIKeys},
		{"APIKeysAreFoundByStatus", testAPIKeysByStatus},
		{"CreateAPIKeyHoldsItsReferences", testCreateAPIKey},
		{"CreateAPIKeyHoldsTheLimits", testKeyLimits},
		{"UpdateAPIKeyComparesVersions", testUpdateAPIKey},
		{"UpdateAPIKeyHoldsTheLimit", testEnable},
		{"DeleteAPIKeyIsFinal", testDeleteAPIKey},
		{"RevocationsAreKeptInOneOrder", testRevocations},
		{"RevokeTokenListsATokenOnce", testRevokeToken},
		{"RevokeTokenHoldsTheLimit", testManyRevoked},
		{"SweepRevocationsKeepsWhatCanMatter", testSweepRevocations},
		{"NowIsTheTime", testNow},
		{"UsageAddsUpAndLastUsesMoveForward", testUsage},
		{"UsageAddsUpByHourAndDay", testUsageSeries},
		{"UsageOfAllAddsUp", testUsageOfAll},
		{"AnUpgradeAddsUpUsage", testTotalsOfUpgrade},
		{"TopKeysAreTheMostUsed", testTopKeys},
		{"DeleteUsageIsBounded", testDeleteUsage},
		{"ARetiredSecretInUseIsOneEventAnHour", testRetiredUsage},
		{"AReachedLimitIsOneEventAnHour", testLimitReached},
		{"KeyUsesArePaged", testKeyUses},
		{"KeyUsesAreOrderedAndSearched", testKeyOrders},
		{"KeyCountCountsAgainstTheLimits", testKeyCount},
		{"EndsAreAnnouncedOnce", testUnannounced},
		{"WebhooksBeginAtTheLastEventAndAreKept", testKeepWebhooks},
		{"EnqueueDeliveriesMovesTheCursorOnce", testEnqueueDeliveries},
		{"ClaimDeliveriesLeases", testClaimDeliveries},
		{"SettleDeliveryComparesAttempts", testSettleDelivery},
		{"DeliveriesArePagedAndCounted", testDeliveries},
		{"ChangeSigningKeysComparesWhatWasSeen", testChangeSigningKeys},
		{"UsersAreKeptAndPaged", testUsers},
		{"UsersAreSearched", testUserSearch},
		{"CreateUserHoldsThatAddressesAreUnique", testUserEmails},
		{"MembershipsAreOfMerchantsThatExist", testUserMerchants},
		{"UpdateUserComparesVersions", testUpdateUser},
		{"DeleteUserIsFinalAndWipes", testDeleteUser},
		{"AnOperatorIsLeft", testLastOperator},
		{"DeleteMerchantEndsMemberships", testMerchantEndsMemberships},
		{"LinksAreKeptUntilTheyAreUsed", testLinks},
		{"SetUpLinksEndWithTheFirstOperator", testSetUpLinks},
		{"EnterWritesAllOrNothing", testEnter},
		{"ChangesAreMadeByWhoMayThen", testStanding},
		{"SessionsAreKeptAndEnd", testSessions},
		{"UsersTakeTheirSessionsWithThem", testUsersTakeTheirSessionsWithThem},
		{"APIKeysTakeTheirGuestsWithThem", testAPIKeysTakeTheirGuestsWithThem},
		{"CountFailureCountsEach", testCountFailure},
		{"ChangeCredentialsComparesAndEndsOtherSessions", testChangeCredentials},
		{"NamesAreReadByID", testNames},
		{"NamesOfAPIKeysAreReadByID", testAPIKeyNames},
		{"OtherSessionsEndAtOnce", testOtherSessions},
		{"EventsAreChainedAndPaged", testEvents},
		{"EventsAreFoundByWhatIsAsked", testFindEvents},
		{"EventsOfApartClocksAreFound", testEventsOfApartClocks},
		{"NodesAreKeptWhileTheyAreHeardOf", testNodes},
		{"AnAnswerIsKeptOnce", testReplies},
		{"AChangeIsDoneWithItsAnswerOrNotAtAll", testRepliedChanges},
		{"AChangeWithoutItsEventDoesNotHappen", testEventFails},
		{"ACancelledChangeDoesNotHappen", testCancelled},
		{"TheFirstErrorEndsDirectory", testDirectoryErrors},
		{"ChangesTellsWhatEventsName", testChanges},
		{"ChangesNoticesAnotherHistory", testDiverged},
		{"BeginLineageRaisesEveryGeneration", testBeginLineage},
		{"WhatLacksIsTold", testLacking},
		{"RedoUserWritesWhenAndWipes", testRedoUser},
		{"AddEventChangesNothingElse", testAddEvent},
		{"ChangesAndDirectoryAgree", testChangesAgree},
		{"ManyChangesAreToldAtOnce", testManyChanges},
		{"PositionMovesWithEveryChange", testPosition},
	} {
		t.Run(test.rule, func(t *testing.T) {
			s := open(t)
			test.run(t, s)
			if !t.Failed() {
				checkChain(t, s)
			}
		})
	}
}

func testInitialize(t *testing.T, s authority.Store) {
	_, _, err := s.Installation(t.Context())
	wantError(t, err, authority.ErrNotFound)
	initialize(t, s)

	inst, root, keys := firstRows()
	st := read(t, s)
	wantEqual(t, "installation", st.Installation, inst)
	wantEqual(t, "root key", st.Root, root)
	wantEqual(t, "signing keys, the oldest first", st.SigningKeys, keys)
	if len(st.Events) != 1 || st.Events[0].Kind != authority.InstallationCreated || st.Events[0].Seq != 1 {
		t.Errorf("events %+v", st.Events)
	}
	refused(t, s, authority.ErrExists, func() error {
		inst.Prefix = "other"
		return s.Initialize(t.Context(), inst, root, keys, draft(authority.InstallationCreated, "other"))
	})
}

func testReplaceRootKey(t *testing.T, s authority.Store) {
	initialize(t, s)
	_, root, _ := firstRows()
	next := &authority.SealedRootKey{ID: 1, Sealed: []byte("sealed anew"), CreatedAt: at}
	refused(t, s, authority.ErrConflict, func() error {
		return s.ReplaceRootKey(t.Context(), []byte("another"), next, draft(authority.MasterKeyRotated, "1"))
	})
	must(t, s.ReplaceRootKey(t.Context(), root.Sealed, next, draft(authority.MasterKeyRotated, "1")))
	wantEqual(t, "root key", read(t, s).Root.Sealed, next.Sealed)
	refused(t, s, authority.ErrConflict, func() error {
		return s.ReplaceRootKey(t.Context(), root.Sealed, root, draft(authority.MasterKeyRotated, "1"))
	})
}

func testMerchants(t *testing.T, s authority.Store) {
	initialize(t, s)
	_, err := s.Merchant(t.Context(), "acme")
	wantError(t, err, authority.ErrNotFound)
	// The order is that of bytes, whatever the language of the database.
	order := []authority.MerchantID{"-", "10", "9", "B", "_x", "a", "a-b", "aB", "ab"}
	for _, i := range []int{3, 0, 8, 5, 1, 7, 2, 6, 4} {
		addMerchant(t, s, order[i])
	}
	m, err := s.Merchant(t.Context(), "aB")
	must(t, err)
	wantEqual(t, "merchant", m, merchant("aB"))
	for _, limit := range []int{1, 2, 4, 100} {
		got, after := []authority.MerchantID{}, authority.MerchantID("")
		for {
			page, err := s.Merchants(t.Context(), authority.MerchantFilter{}, after, limit)
			must(t, err)
			if len(page) > limit {
				t.Fatalf("a page of %d has %d", limit, len(page))
			}
			for i := range page {
				got = append(got, page[i].ID)
				wantEqual(t, "merchant of a list", page[i], *merchant(page[i].ID))
			}
			if len(page) == 0 {
				break
			}
			after = got[len(got)-1]
		}
		wantEqual(t, fmt.Sprintf("merchants, %d at a time", limit), got, order)
	}
	refused(t, s, authority.ErrExists, func() error {
		return s.CreateMerchant(t.Context(), merchant("aB"), draft(authority.MerchantCreated, "aB"))
	})
	// Only a taken ID reads as one.
	impossible := merchant("c")
	impossible.Status = "impossible"
	if err := s.CreateMerchant(t.Context(), impossible, draft(authority.MerchantCreated, "c")); err == nil || errors.Is(err, authority.ErrExists) {
		t.Errorf("a status that does not exist: %v", err)
	}
}

func testUpdateMerchant(t *testing.T, s authority.Store) {
	initialize(t, s)
	m := addMerchant(t, s, "acme")
	m.Name, m.Status, m.KeyLimit, m.UpdatedAt, m.Version = "Other", authority.Suspended, 7, at.Add(time.Hour), 2
	must(t, s.UpdateMerchant(t.Context(), m, 0, draft(authority.MerchantUpdated, "acme")))
	got, err := s.Merchant(t.Context(), "acme")
	must(t, err)
	wantEqual(t, "merchant", got, m)
	for _, version := range []int64{1, 2, 4} {
		refused(t, s, authority.ErrConflict, func() error {
			changed := *m
			changed.Name, changed.Version = "Late", version
			return s.UpdateMerchant(t.Context(), &changed, 5, draft(authority.MerchantUpdated, "acme"))
		})
	}
	refused(t, s, authority.ErrConflict, func() error {
		return s.UpdateMerchant(t.Context(), merchant("nobody"), 5, draft(authority.MerchantUpdated, "nobody"))
	})
}

// Each generation becomes max(generation+1, cutoff), of this merchant alone; and
// whoever read an API key before cannot put the old generation back.
func testCutoff(t *testing.T, s authority.Store) {
	initialize(t, s)
	m := addMerchant(t, s, "acme")
	addMerchant(t, s, "other")
	for i, generation := range []int64{100, 199, 200, 201} {
		k := apiKey(i, "demo", "acme")
		if i == 3 {
			k.Env = "production"
		}
		k.Generation = generation
		addKey(t, s, k)
	}
	foreign := apiKey(9, "demo", "other")
	foreign.Generation = 50
	addKey(t, s, foreign)
	stale := get(t)(s.APIKey(t.Context(), apiKey(0, "demo", "acme").ID))

	m.Status, m.Version = authority.Suspended, 2
	must(t, s.UpdateMerchant(t.Context(), m, 200, draft(authority.MerchantSuspended, "acme")))
	for i, want := range []int64{200, 200, 201, 202} {
		if k := get(t)(s.APIKey(t.Context(), apiKey(i, "demo", "acme").ID)); k.Generation != want {
			t.Errorf("generation %d, want %d", k.Generation, want)
		}
	}
	if k := get(t)(s.APIKey(t.Context(), foreign.ID)); k.Generation != 50 {
		t.Errorf("another merchant's generation is %d", k.Generation)
	}
	refused(t, s, authority.ErrConflict, func() error {
		stale.Name, stale.Version = "Renamed", stale.Version+1
		return s.UpdateAPIKey(t.Context(), stale, limits, draft(authority.APIKeyUpdated, string(stale.ID)))
	})
	refused(t, s, authority.ErrConflict, func() error {
		return s.DeleteAPIKey(t.Context(), stale, draft(authority.APIKeyDeleted, string(stale.ID)))
	})
}

// C-075.
func testDeleteMerchant(t *testing.T, s authority.Store) {
	initialize(t, s)
	m := addMerchant(t, s, "acme")
	k := addKey(t, s, apiKey(1, "demo", "acme"))
	m.Version = 2
	refused(t, s, authority.ErrMerchantInUse, func() error {
		return s.DeleteMerchant(t.Context(), m, draft(authority.MerchantDeleted, "acme"))
	})
	deleteKey(t, s, k.ID)
	m.Version = 3
	refused(t, s, authority.ErrConflict, func() error {
		return s.DeleteMerchant(t.Context(), m, draft(authority.MerchantDeleted, "acme"))
	})
	m.Version = 2
	must(t, s.DeleteMerchant(t.Context(), m, draft(authority.MerchantDeleted, "acme")))
	_, err := s.Merchant(t.Context(), "acme")
	wantError(t, err, authority.ErrNotFound)
	if list := read(t, s).Merchants; len(list) != 0 {
		t.Errorf("merchants %v", list)
	}
	refused(t, s, authority.ErrExists, func() error {
		return s.CreateMerchant(t.Context(), merchant("acme"), draft(authority.MerchantCreated, "acme"))
	})
	m.Version = 3
	refused(t, s, authority.ErrConflict, func() error {
		return s.UpdateMerchant(t.Context(), m, 0, draft(authority.MerchantUpdated, "acme"))
	})
	refused(t, s, authority.ErrConflict, func() error {
		return s.DeleteMerchant(t.Context(), m, draft(authority.MerchantDeleted, "acme"))
	})
	refused(t, s, authority.ErrNotFound, func() error {
		return s.CreateAPIKey(t.Context(), apiKey(2, "demo", "acme"), limits, draft(authority.APIKeyCreated, ""))
	})
}
