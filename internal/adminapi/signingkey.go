package adminapi

import (
	"slices"

	"github.com/tokenwright/tokenwright/admin"
	"github.com/tokenwright/tokenwright/internal/authority"
)

func (a *API) listSigningKeys(r *request) (any, error) {
	env := r.env()
	var all []authority.SigningKey
	return listOf(r, func(after string, limit int) (list []authority.SigningKey, err error) {
		if all, err = a.authority.SigningKeys(r.Context(), r.actor); err != nil {
			return nil, err
		}
		for i := range all {
			if env == "" || all[i].Env == env {
				list = append(list, all[i])
			}
		}
		at := slices.IndexFunc(list, func(k authority.SigningKey) bool { return k.KeyID == after }) // rows are never deleted
		return list[at+1 : min(at+1+limit, len(list))], nil
	}, func(k *authority.SigningKey) string { return k.KeyID }, func(k *authority.SigningKey) admin.SigningKey {
		out := a.wire.signingKey(k)
		if k.Status == authority.SigningKeyActive {
			out.RotatesAt = optional(a.authority.RotatesAt(all, k.Env))
		}
		return out
	})
}

func (a *API) rotateSigningKey(r *request) (any, error) {
	env := r.body.string("env")
	r.body.invalid("env", a.authority.CheckEnvironment(env))
	if err := r.checkInput(); err != nil {
		return nil, err
	}
	done, err := a.authority.RotateSigningKey(r.Context(), r.actor, env)
	if err != nil {
		return nil, err
	}
	out := &admin.SigningKeyRotation{
		Rotated: done.Rotated, Active: a.wire.signingKey(&done.Active), Next: a.wire.signingKey(&done.Next), RotatesAt: optional(done.At),
	}
	return out, a.authority.Remember(r.Context(), r.actor, nil, out)
}

func (a *API) revokeSigningKey(r *request) (any, error) {
	force := r.body.flag("force")
	if err := r.checkInput(); err != nil {
		return nil, err
	}
	done, err := a.authority.RevokeSigningKey(r.Context(), r.actor, r.PathValue("kid"), force)
	if err != nil {
		return nil, err
	}
	out := &admin.RevokedSigningKey{Revoked: a.wire.signingKey(&done.Key), Active: a.wire.signingKey(&done.Active), KnownAt: done.KnownAt}
	return out, a.authority.Remember(r.Context(), r.actor, nil, out)
}
