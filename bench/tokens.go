package main

import "context"

// tokens compares the token endpoint, everything on, with the limit and with
// two libraries: form body, ES256.
func (b *bench) tokens(ctx context.Context) (any, error) {
	return b.compete(ctx, contest{
		title:   "Token endpoint: ES256, form body",
		start:   b.endpoints,
		limitOf: func(string) string { return nameLimit },
		mustReach: func(f *requestFigures) string {
			if f.Name != nameOurs {
				return ""
			}
			return barTokens.beside(f.OfLimit.Median)
		},
	})
}

// endpoints starts everything that is compared; what has been started is
// returned with an error too.
func (b *bench) endpoints(ctx context.Context) (all []*contender, err error) {
	c, err := b.ours(ctx, nameOurs, serverCore, 9100)
	if err != nil {
		return nil, err
	}
	all = append(all, c)
	for i, peer := range b.peers() {
		if c, err = b.theirs(ctx, peer.name, peer, serverCore, 9000+i); err != nil {
			return all, err
		}
		all = append(all, c)
	}
	return all, nil
}
