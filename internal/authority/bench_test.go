package authority

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/tokenwright/tokenwright/internal/credential"
	"github.com/tokenwright/tokenwright/internal/jose"
)

// synthetic is a store with a directory and nothing else.
type synthetic struct {
	Store
	snapshot DirectorySnapshot
	keys     []DirectoryKey
}

func (s *synthetic) Now(context.Context) (time.Time, error) { return time.Now(), nil }

func (s *synthetic) Directory(_ context.Context, begin func(*DirectorySnapshot) error, key func(*DirectoryKey) error) error {
	if err := begin(&s.snapshot); err != nil {
		return err
	}
	for i := range s.keys {
		if err := key(&s.keys[i]); err != nil {
			return err
		}
	}
	return nil
}

func (s *synthetic) Revocations(context.Context, int64, int) ([]Revocation, int64, error) {
	return nil, 0, nil
}

// populated is an authority over n API keys of demo, loaded, and a request that
// one of them gets a token for.
func populated(b *testing.B, n int) (*Authority, *synthetic, *TokenRequest) {
	b.Helper()
	root, s := newRootKey(), &synthetic{}
	a := &Authority{
		store: s, clock: time.Now, following: newMutex(), maxStaleness: time.Hour, format: credential.Format{Prefix: "tw"}, root: root,
		installation: &Installation{Prefix: "tw", MerchantIDs: MerchantNumbers},
		environments: []Environment{{
			Name: "demo", Issuer: "https://auth.example.com/demo", Audience: "https://auth.example.com/demo/api",
			Algorithm: jose.ES256, TokenLifetime: time.Hour,
		}},
	}
	a.counters.tasks = countersOf(a.tasks())
	signing, err := newSigningKey(root, &a.environments[0], 0, time.Now())
	if err != nil {
		b.Fatal(err)
	}
	signing.Status = SigningKeyActive
	s.snapshot.SigningKeys = []SigningKey{*signing}
	hashes := make([]byte, n*credential.HashSize)
	for i := range n {
		hash := hashes[i*credential.HashSize:][:credential.HashSize]
		binary.BigEndian.PutUint64(hash, uint64(i))
		s.keys = append(s.keys, DirectoryKey{
			ClientID: ClientID(a.format.NewID("demo")), Env: "demo", MerchantID: MerchantID(fmt.Sprint(i / 3)),
			Scopes: "customers:read customers:write", Generation: 1764000000,
			Secrets: []DirectorySecret{{ID: 1, RootKeyID: root.id, Hash: hash}},
		})
	}
	secret := a.format.NewSecret("demo")
	hash := root.pepper.Hash(secret)
	copy(s.keys[0].Secrets[0].Hash, hash[:])
	request := &TokenRequest{ClientID: string(s.keys[0].ClientID), ClientSecret: secret.Reveal()}
	slices.SortFunc(s.keys, func(a, b DirectoryKey) int { return strings.Compare(string(a.ClientID), string(b.ClientID)) })
	if err := a.LoadDirectory(b.Context()); err != nil {
		b.Fatal(err)
	}
	return a, s, request
}

// signed has signed already.
type signed struct {
	*ecdsa.PrivateKey
	signature []byte
}

func (s *signed) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { return s.signature, nil }

// BenchmarkUnsignedToken is everything that IssueToken does but the signature.
func BenchmarkUnsignedToken(b *testing.B) {
	a, _, request := populated(b, 1000)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	signature, err := key.Sign(rand.Reader, make([]byte, sha256.Size), crypto.SHA256)
	if err != nil {
		b.Fatal(err)
	}
	issuer := (*a.directory.Load().issuers.Load())[0]
	if issuer.signer, err = jose.NewSigner(jose.ES256, &signed{key, signature}); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.IssueToken(request); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDirectory is what a directory costs by the number of its API keys:
// to load it (without the database), to find one, to bring a change of one in,
// and to have it walked over by the garbage collector.
func BenchmarkDirectory(b *testing.B) {
	for _, n := range []int{1_000, 1_000_000} {
		b.Run(fmt.Sprintf("keys=%d", n), func(b *testing.B) {
			a, s, _ := populated(b, n)
			b.Run("load", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := a.LoadDirectory(b.Context()); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(a.directory.Load().size())/float64(n), "B/key")
			})
			r := mathrand.New(mathrand.NewPCG(1, 2))
			some := make([]DirectoryKey, 20_000) // more than stays in the caches of a processor
			for i := range some {
				some[i] = s.keys[r.IntN(n)]
			}
			s.keys = nil // it has pointers, and is not what the collector should be measured with
			d := a.directory.Load()
			b.Run("find", func(b *testing.B) { benchmarkFind(b, d, some) })
			b.Run("apply", func(b *testing.B) { benchmarkApply(b, d, a.format, some) })
			some = nil
			b.Run("figures", func(b *testing.B) {
				for b.Loop() {
					a.Figures()
				}
			})
			b.Run("gc", func(b *testing.B) {
				for b.Loop() {
					runtime.GC()
				}
			})
			runtime.KeepAlive(a)
		})
	}
}

func benchmarkFind(b *testing.B, d *directory, keys []DirectoryKey) {
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		id := string(keys[i].ClientID)
		if _, e := d.find(0, id[len(id)-credential.IDLength:]); e == nil {
			b.Fatal("not found")
		}
		i = (i + 1) % len(keys)
	}
}

func benchmarkApply(b *testing.B, d *directory, format credential.Format, keys []DirectoryKey) {
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if err := d.apply(&DirectoryChanges{Head: d.head, Keys: keys[i : i+1]}, format); err != nil {
			b.Fatal(err)
		}
		i = (i + 1) % len(keys)
	}
}

// size is what the directory takes, in bytes.
func (d *directory) size() int {
	bytes := int(unsafe.Sizeof(*d))
	for i := range d.shards {
		if s := d.shards[i].Load(); s != nil {
			bytes += int(unsafe.Sizeof(*s)) + cap(s.keys)*int(unsafe.Sizeof(keyEntry{})) +
				cap(s.secrets)*int(unsafe.Sizeof(secretEntry{})) + cap(s.text)
		}
	}
	return bytes
}

// BenchmarkOwnerOf is the look for whose a reported secret is, of nobody: the
// longest.
func BenchmarkOwnerOf(b *testing.B) {
	a, _, _ := populated(b, 1_000_000)
	d, hash := a.directory.Load(), credential.Hash{1}
	for b.Loop() {
		if _, ok := a.ownerOf(d, &hash); ok {
			b.Fatal("found")
		}
	}
}
