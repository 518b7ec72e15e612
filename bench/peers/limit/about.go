package main

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"math/big"
	"net/http"
	"strings"
	"time"
)

// What a request about a token costs at least: the client's secret is hashed once and
// compared, the signature checked, the time looked at, and the ID looked up among
// those that were revoked. Whoever has seen the token before needs its hash alone.

// introspect is RFC 7662.
func (is *issuer) introspect(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	hash := sha256.Sum256([]byte(r.PostForm.Get("client_secret")))
	c := is.clients[r.PostForm.Get("client_id")]
	if c == nil || subtle.ConstantTimeCompare(hash[:], c.secretHash[:]) != 1 {
		http.Error(w, "refused", http.StatusUnauthorized)
		return
	}
	answer := []byte(`{"active":false}`)
	if payload, _, err := is.verify(r.PostForm.Get("token")); err == nil {
		answer = append([]byte(`{"active":true,"token_type":"bearer",`), payload[1:]...)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(answer) // the client may be gone
}

// check is forward auth of a token that is verified each time.
func (is *issuer) check(w http.ResponseWriter, r *http.Request) {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	_, c, err := is.verify(token)
	letPass(w, c, err)
}

// checkSeen is forward auth of a token that is verified once.
func (is *issuer) checkSeen(w http.ResponseWriter, r *http.Request) {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	sum := sha256.Sum256([]byte(token))
	if known, ok := is.seen.Load(sum); ok {
		c := known.(*claims)
		letPass(w, c, is.alive(c))
		return
	}
	_, c, err := is.verify(token)
	if err == nil {
		is.seen.Store(sum, c)
	}
	letPass(w, c, err)
}

func letPass(w http.ResponseWriter, c *claims, err error) {
	if err != nil {
		http.Error(w, "refused", http.StatusUnauthorized)
		return
	}
	h := w.Header()
	h.Set("X-Env", c.Claims.Env)
	h.Set("X-Subject", c.Subject)
	h.Set("X-Scope", c.Scope)
	h.Set("Cache-Control", "no-store")
}

// claims is what is looked at.
type claims struct {
	Subject string `json:"sub"`
	ID      string `json:"jti"`
	Scope   string `json:"scope"`
	Expiry  int64  `json:"exp"`
	Claims  struct {
		Env string `json:"env"`
	} `json:"claims"`
}

var errRefused = errors.New("refused")

func (is *issuer) verify(token string) (payload []byte, c *claims, err error) {
	at := max(0, strings.LastIndexByte(token, '.'))
	signed, last := token[:at], strings.TrimPrefix(token[at:], ".")
	head, body, _ := strings.Cut(signed, ".")
	if head != is.header {
		return nil, nil, errRefused
	}
	payload, err = base64url.DecodeString(body)
	if err != nil {
		return nil, nil, err
	}
	signature, err := base64url.DecodeString(last)
	if err != nil || len(signature) != 64 {
		return nil, nil, errRefused
	}
	digest := sha256.Sum256([]byte(signed))
	r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
	if !ecdsa.Verify(&is.key.PublicKey, digest[:], r, s) {
		return nil, nil, errRefused
	}
	c = &claims{}
	if err := json.Unmarshal(payload, c); err != nil {
		return nil, nil, err
	}
	return payload, c, is.alive(c)
}

// alive is what can change.
func (is *issuer) alive(c *claims) error {
	if is.revoked[c.ID] || c.Expiry <= time.Now().Unix() {
		return errRefused
	}
	return nil
}
