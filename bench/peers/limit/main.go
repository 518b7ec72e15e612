// Command limit is what a token costs at least: a bare net/http handler that
// parses the body, looks the client up in a map, hashes the secret once,
// compares, writes the claims by hand and signs them with ES256. No log, no
// metrics, no limits, no store. Every other figure of the benchmark is a ratio
// to this one. What a request about a token costs at least, it answers as well.
//
//	limit [-nonce rfc6979|hedged] [-long] -listen 127.0.0.1:9000
package main

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"
)

const (
	clientID     = "client0123456789abcdefghij"
	clientSecret = "secret0123456789abcdefghijklmnopqrstuvwxyzABCDEF"
	scope        = "customers:read customers:write"
)

type client struct {
	secretHash [sha256.Size]byte
	merchant   int64
}

type issuer struct {
	url     string
	long    bool   // as many claims as Tokenwright's tokens have
	header  string // of every token, encoded
	key     *ecdsa.PrivateKey
	random  io.Reader // nil: nonces of RFC 6979
	clients map[string]*client
	revoked map[string]bool // IDs of tokens
	seen    sync.Map        // [sha256.Size]byte of a token that was verified: *claims
}

var base64url = base64.RawURLEncoding

func main() {
	listen := flag.String("listen", "127.0.0.1:9000", "address to listen on")
	nonce := flag.String("nonce", "rfc6979", "how nonces are made: rfc6979 or hedged")
	long := flag.Bool("long", false, "issue tokens as long as Tokenwright's")
	flag.Parse()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	is := &issuer{
		url: "http://" + *listen, long: *long, key: key, clients: map[string]*client{clientID: {sha256.Sum256([]byte(clientSecret)), 4259}},
		header: base64url.EncodeToString([]byte(`{"alg":"ES256","kid":"1","typ":"at+jwt"}`)),
	}
	if *nonce == "hedged" {
		is.random = rand.Reader
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", is.token)
	mux.HandleFunc("GET /jwks", is.jwks)
	mux.HandleFunc("POST /introspect", is.introspect)
	mux.HandleFunc("GET /check", is.check)
	mux.HandleFunc("GET /check/seen", is.checkSeen)
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	go func() { log.Fatal(http.Serve(l, mux)) }()
	<-stop
}

func (is *issuer) token(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil || r.PostForm.Get("grant_type") != "client_credentials" {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	id := r.PostForm.Get("client_id")
	hash := sha256.Sum256([]byte(r.PostForm.Get("client_secret")))
	c := is.clients[id]
	if c == nil || subtle.ConstantTimeCompare(hash[:], c.secretHash[:]) != 1 {
		http.Error(w, "refused", http.StatusUnauthorized)
		return
	}
	b := make([]byte, 0, 1024)
	b = append(b, `{"access_token":"`...)
	b, err := is.sign(b, is.claims(id, c))
	if err != nil {
		http.Error(w, "signing failed", http.StatusInternalServerError)
		return
	}
	b = append(b, `","expires_in":3600,"token_type":"bearer","scope":"`+scope+`"}`...)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(b) // the client may be gone
}

func (is *issuer) claims(id string, c *client) []byte {
	now := time.Now().Unix()
	var jti [16]byte
	rand.Read(jti[:]) // never fails
	b := make([]byte, 0, 512)
	b = append(b, `{"iss":"`...)
	b = append(b, is.url...)
	if is.long {
		b = append(b, `/demo","aud":"`...)
		b = append(b, is.url...)
		b = append(b, `/demo/api","client_id":"twc_demo_`...)
		b = append(b, id[:22]...)
		b = append(b, `","gen":1764000000,"kid":"1234567890123456789012345678901234567890`...)
	}
	b = append(b, `","sub":"`...)
	b = append(b, id...)
	b = append(b, `","iat":`...)
	b = strconv.AppendInt(b, now, 10)
	b = append(b, `,"exp":`...)
	b = strconv.AppendInt(b, now+3600, 10)
	b = append(b, `,"jti":"`...)
	b = base64url.AppendEncode(b, jti[:])
	b = append(b, `","scope":"`+scope+`","claims":{"env":"demo","merchantId":`...)
	b = strconv.AppendInt(b, c.merchant, 10)
	return append(b, `}}`...)
}

// sign appends header.claims.signature.
func (is *issuer) sign(dst, claims []byte) ([]byte, error) {
	start := len(dst)
	dst = append(dst, is.header...)
	dst = append(dst, '.')
	dst = base64url.AppendEncode(dst, claims)
	digest := sha256.Sum256(dst[start:])
	der, err := is.key.Sign(is.random, digest[:], crypto.SHA256)
	if err != nil {
		return nil, err
	}
	// SEQUENCE { INTEGER r, INTEGER s }, as the standard library wrote it.
	r, s := der[4:4+der[3]], der[6+der[3]:]
	r, s = bytes.TrimLeft(r, "\x00"), bytes.TrimLeft(s, "\x00")
	var raw [64]byte
	copy(raw[32-len(r):], r)
	copy(raw[64-len(s):], s)
	dst = append(dst, '.')
	return base64url.AppendEncode(dst, raw[:]), nil
}

func (is *issuer) jwks(w http.ResponseWriter, _ *http.Request) {
	point, err := is.key.PublicKey.Bytes()
	if err != nil {
		http.Error(w, "no key", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"keys":[{"kty":"EC","crv":"P-256","use":"sig","alg":"ES256","kid":"1","x":%q,"y":%q}]}`,
		base64url.EncodeToString(point[1:33]), base64url.EncodeToString(point[33:]))
}
