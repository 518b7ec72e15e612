package main

import (
	"path/filepath"
	"slices"
)

// peer is a token endpoint that ours is compared with.
type peer struct {
	id, name string
	command  []string // the address to listen on comes behind it
}

// peerIDs are the peers that can be chosen among; limit is always there.
var peerIDs = []string{idLong, idHedged, idFosite, idProvider, idOAuth2Proxy}

const (
	idLimit       = "limit"
	idLong        = "long"
	idHedged      = "hedged"
	idFosite      = "fosite"
	idProvider    = "oidc-provider"
	idOAuth2Proxy = "oauth2-proxy" // of forward auth alone

	nameLimit       = "limit (bare net/http, RFC 6979 nonces)"
	nameLong        = "limit with tokens as long as ours"
	nameHedged      = "limit with hedged nonces"
	nameFosite      = "ory/fosite, memory"
	nameProvider    = "npm oidc-provider, memory"
	nameOAuth2Proxy = "oauth2-proxy, our tokens as bearer tokens"
)

// peerKey is the one client of a peer.
var peerKey = apiKey{"client0123456789abcdefghij", "secret0123456789abcdefghijklmnopqrstuvwxyzABCDEF"}

// peerBody asks a peer for a token.
var peerBody = peerKey.body() + "&scope=customers%3Aread+customers%3Awrite"

// peers are the limit, which every figure is held against, and whatever else
// was asked for.
func (b *bench) peers() []peer {
	all := []peer{
		{idLimit, nameLimit, []string{b.binary("limit"), "-listen"}},
		{idLong, nameLong, []string{b.binary("limit"), "-long", "-listen"}},
		{idHedged, nameHedged, []string{b.binary("limit"), "-nonce", "hedged", "-listen"}},
		{idFosite, nameFosite, []string{b.binary("fosite"), "-listen"}},
		{idProvider, nameProvider, []string{"node", filepath.Join(b.root, "bench/peers/oidc-provider/server.mjs")}},
	}
	return slices.DeleteFunc(all, func(p peer) bool { return p.id != idLimit && !wanted(b.onlyPeers, p.id) })
}

// start makes the peer listen on address. Its endpoints are /token and /jwks.
func (p peer) start(dir, cores, address string) (*process, error) {
	if err := free(address); err != nil {
		return nil, err
	}
	return start(dir, cores, nil, p.command[0], append(slices.Clone(p.command[1:]), address)...)
}
