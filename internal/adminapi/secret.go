package adminapi

import (
	"strconv"

	"github.com/tokenwright/tokenwright/internal/authority"
)

func (a *API) listSecrets(r *request) (any, error) {
	return listOf(r, func(after string, limit int) (list []authority.Secret, err error) {
		k, err := a.authority.APIKey(r.Context(), r.actor, authority.ClientID(r.PathValue("clientId")))
		if err != nil {
			return nil, err
		}
		last, _ := strconv.ParseInt(after, 10, 64) // of a cursor of ours; "" is 0
		for i := range k.Secrets {                 // in the order of IDs
			if k.Secrets[i].ID > last {
				list = append(list, k.Secrets[i])
			}
		}
		return list[:min(limit, len(list))], nil
	}, func(s *authority.Secret) string { return strconv.FormatInt(s.ID, 10) }, a.wire.secret)
}

func (a *API) deleteSecret(r *request) (any, error) {
	revoke := r.query.flag("revokeTokens")
	id, err := r.clientID()
	if err != nil {
		return nil, err
	}
	text := r.PathValue("secretId")
	secret, err := strconv.ParseInt(text, 10, 64)
	if err != nil || strconv.FormatInt(secret, 10) != text {
		return nil, authority.ErrNotFound
	}
	_, err = a.authority.DeleteSecret(r.Context(), r.actor, id, secret, revoke, r.ifVersion)
	return nil, err
}
