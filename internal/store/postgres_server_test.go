package store

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/postgrestest"
)

// certificateAuthority issues certificates; nodes read its own from file.
type certificateAuthority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	file string
}

func newAuthority(t *testing.T, name string) *certificateAuthority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	cert, err := x509.ParseCertificate(der)
	must(t, err)
	file := filepath.Join(t.TempDir(), "ca.pem")
	must(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	return &certificateAuthority{key: key, cert: cert, file: file}
}

// issue makes a certificate for localhost, which ends at end, and its private key.
func (a *certificateAuthority) issue(t *testing.T, end time.Time) (cert, private []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: end.Add(-2 * time.Hour), NotAfter: end, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	must(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
}

// certify gives the server another certificate.
func certify(t *testing.T, server *postgrestest.Server, cert, private []byte) {
	t.Helper()
	must(t, server.Stop(syscall.SIGINT))
	must(t, server.Restart("ssl=on", "ssl_cert_file="+server.WriteFile(t, "server.crt", cert), "ssl_key_file="+server.WriteFile(t, "server.key", private)))
}

// takesOnlyTLS lets a role connect over TLS alone.
func takesOnlyTLS(t *testing.T, server *postgrestest.Server, role string) {
	t.Helper()
	path := filepath.Join(server.Dir, "data", "pg_hba.conf")
	rules, err := os.ReadFile(path)
	must(t, err)
	must(t, os.WriteFile(path, append([]byte("hostnossl all "+role+" all reject\n"), rules...), 0o600))
}

// C-244
func TestPostgresServerMustProveItsName(t *testing.T) {
	server := postgrestest.Start(t, "fsync=off")
	takesOnlyTLS(t, server, "node")
	ours, foreign := newAuthority(t, "ours"), newAuthority(t, "foreign")
	cert, private := ours.issue(t, time.Now().Add(time.Hour))
	certify(t, server, cert, private)
	server.Exec(t, "postgres", fmt.Sprintf(`CREATE ROLE node LOGIN PASSWORD '%s'`, postgrestest.Password))
	server.Exec(t, "postgres", `CREATE DATABASE tokenwright OWNER node`)
	at := func(host, options string) string {
		return fmt.Sprintf("postgres://node:%s@%s:%d/tokenwright?%s", postgrestest.Password, host, server.Port, options)
	}
	refused := func(what, url, says string) {
		t.Helper()
		s, err := OpenPostgres(t.Context(), url, Options{Create: true})
		if err == nil {
			_ = s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), postgrestest.Password) {
			t.Errorf("%s: %v", what, err)
		}
	}
	full := "sslmode=verify-full&sslrootcert=" + ours.file
	s := openPostgres(t, at("localhost", full))
	if !value[bool](t, s, `SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()`) {
		t.Error("the connection is in clear")
	}
	refused("in clear", at("localhost", "sslmode=disable"), "pg_hba.conf")
	refused("an authority of somebody else", at("localhost", "sslmode=verify-full&sslrootcert="+foreign.file), "unknown authority")
	refused("an authority that the system does not know", at("localhost", "sslmode=verify-full"), "unknown authority")
	refused("another name", at("127.0.0.1", full), "127.0.0.1")
	inClear, err := url.Parse(postgrestest.Shared(t).Database(t))
	must(t, err)
	refused("a server without TLS", "postgres://postgres:"+postgrestest.Password+"@localhost:"+inClear.Port()+"/postgres?"+full, "refused TLS")

	cert, private = ours.issue(t, time.Now().Add(-time.Minute))
	certify(t, server, cert, private)
	refused("an expired certificate", at("localhost", full), "expired")
	if err := s.transact(t.Context(), func(*tx) error { return nil }); err == nil {
		t.Error("a node that was connected takes the expired certificate")
	}
	cert, private = foreign.issue(t, time.Now().Add(time.Hour))
	certify(t, server, cert, private)
	refused("a certificate of another authority", at("localhost", full), "unknown authority")
}

// only the server that takes changes is used, wherever it is in the list.
func TestPostgresNodesUseThePrimaryAlone(t *testing.T) {
	primary := postgrestest.Start(t, "fsync=off")
	database := nameOf(t, primary.Database(t))
	initialize(t, openPostgres(t, primary.URL(database)))
	standby := primary.Standby(t, "fsync=off")
	if !postgrestest.Query[bool](t, standby, database, `SELECT pg_is_in_recovery()`) {
		t.Fatal("the standby is none")
	}
	both := func(first, second *postgrestest.Server) string {
		return fmt.Sprintf("postgres://postgres:%s@%s:%d,%s:%d/%s", postgrestest.Password, first.Host, first.Port, second.Host, second.Port, database)
	}
	for _, o := range []Options{{}, {Create: true}, {NoMigrate: true}} {
		if _, err := OpenPostgres(t.Context(), standby.URL(database), o); err == nil || !strings.Contains(err.Error(), "read only") {
			t.Errorf("%+v: a standby: %v", o, err)
		}
	}
	for _, attrs := range []string{"", "?target_session_attrs=primary"} {
		for _, url := range []string{both(primary, standby) + attrs, both(standby, primary) + attrs} {
			s := openPostgres(t, url)
			wantEqual(t, "the port of the server", value[int](t, s, `SELECT inet_server_port()`), primary.Port)
			must(t, s.transact(t.Context(), func(*tx) error { return nil }))
		}
	}
	primary.Exec(t, "postgres", `ALTER DATABASE `+database+` SET default_transaction_read_only = on`)
	if _, err := OpenPostgres(t.Context(), primary.URL(database), Options{}); err == nil || !strings.Contains(err.Error(), "read only") {
		t.Errorf("a database that takes no changes: %v", err)
	}
	primary.Exec(t, "postgres", `ALTER DATABASE `+database+` RESET default_transaction_read_only`)

	// Failover: the one handle goes on at the standby once that was promoted.
	s := openPostgres(t, both(primary, standby))
	addMerchant(t, s, "before")
	awaitCopy(t, primary, standby)
	must(t, primary.Stop(syscall.SIGQUIT))
	if err := s.transact(t.Context(), func(*tx) error { return nil }); err == nil {
		t.Error("without a primary a change was taken")
	}
	standby.Exec(t, "postgres", `SELECT pg_promote()`)
	addMerchant(t, s, "after")
	wantEqual(t, "the port of the server", value[int](t, s, `SELECT inet_server_port()`), standby.Port)
	wantEqual(t, "the merchants", value[string](t, s, `SELECT string_agg(id, ' ' ORDER BY id) FROM merchants`), "after before")
	checkChain(t, s)
}

// awaitCopy returns once the standby has all that the primary has.
func awaitCopy(t *testing.T, primary, standby *postgrestest.Server) {
	t.Helper()
	position := postgrestest.Query[string](t, primary, "postgres", `SELECT pg_current_wal_lsn()::text`)
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if postgrestest.Query[bool](t, standby, "postgres", `SELECT pg_last_wal_replay_lsn() >= '`+position+`'`) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the standby does not follow")
		}
	}
}
