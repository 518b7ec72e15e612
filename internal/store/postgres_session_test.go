package store

import (
	"cmp"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tokenwright/tokenwright/internal/postgrestest"
)

// Limits of the server end what a node cannot end itself; a URL may have others.
func TestPostgresSessionsHaveLimits(t *testing.T) {
	server := postgrestest.Shared(t)
	database := server.Database(t)
	socket := fmt.Sprintf("postgres://postgres:%s@/%s?host=%s&port=%d", postgrestest.Password, nameOf(t, database), server.Dir, server.Port)
	settings := []string{"statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "tcp_user_timeout", "application_name"}
	for _, test := range []struct {
		url  string
		want []string
	}{
		{database, []string{"5s", "3s", "2s", "5000", "tokenwright"}},
		{socket, []string{"5s", "3s", "2s", "0", "tokenwright"}}, // there is no TCP
		{database + "?statement_timeout=7s&lock_timeout=0&application_name=node%20a", []string{"7s", "0", "2s", "5000", "node a"}},
		{database + "?idle_in_transaction_session_timeout=4321&tcp_user_timeout=9s", []string{"5s", "3s", "4321ms", "9000", "tokenwright"}},
	} {
		s := openPostgres(t, test.url)
		for i, setting := range settings {
			wantEqual(t, setting+" with "+test.url, value[string](t, s, `SHOW `+setting), test.want[i])
		}
	}
	wantEqual(t, "the time to connect", config(t, database).ConnectTimeout, connectTimeout)
	wantEqual(t, "the time to connect of a URL", config(t, database+"?connect_timeout=7").ConnectTimeout, 7*time.Second)
}

// What is acknowledged is on a disk, whatever the server does for others.
func TestPostgresCommitsAreDurable(t *testing.T) {
	server := postgrestest.Shared(t)
	if usual := postgrestest.Query[string](t, server, "postgres", `SHOW synchronous_commit`); usual != "off" {
		t.Fatalf("the server has synchronous_commit=%s itself, so this test shows nothing", usual)
	}
	for set, want := range map[string]string{"": "on", "off": "on", "on": "on", "remote_apply": "remote_apply", "local": "local"} {
		url := server.Database(t)
		if set != "" {
			server.Exec(t, nameOf(t, url), fmt.Sprintf(`ALTER DATABASE %s SET synchronous_commit = %s`, nameOf(t, url), set))
		}
		wantEqual(t, "synchronous_commit of a database that has "+cmp.Or(set, "none"), value[string](t, openPostgres(t, url), `SHOW synchronous_commit`), want)
	}
	wantEqual(t, "synchronous_commit of a URL", value[string](t, openPostgres(t, server.Database(t)+"?synchronous_commit=off"), `SHOW synchronous_commit`), "on")
}

func config(t *testing.T, url string) *pgx.ConnConfig {
	t.Helper()
	c, err := postgresConfig(url)
	must(t, err)
	return c
}

// verifies tells whether every way to every host needs a certificate of its name.
func verifies(c *pgx.ConnConfig) bool {
	for _, f := range c.Fallbacks {
		if f.TLSConfig == nil || f.TLSConfig.InsecureSkipVerify || f.TLSConfig.ServerName != f.Host {
			return false
		}
	}
	return c.TLSConfig != nil && !c.TLSConfig.InsecureSkipVerify && c.TLSConfig.ServerName == c.Host
}

// C-244
func TestPostgresOfAnotherMachineMustProveItsName(t *testing.T) {
	service := filepath.Join(t.TempDir(), "service.conf")
	must(t, os.WriteFile(service, []byte("[far]\nhost=db.example.com\n[near]\nhost=localhost\n"), 0o600))
	t.Setenv("PGSERVICEFILE", service)
	t.Setenv("PGSSLMODE", "")
	for url, want := range map[string]bool{
		"postgres://u@db.example.com/x":                          true,
		"postgresql://u@db.example.com:6432/x":                   true,
		"postgres://u@192.0.2.7/x":                               true,
		"postgres://u@[2001:db8::7]:5432/x":                      true,
		"postgres://u@localhost,db.example.com/x":                true,
		"postgres://u@db.example.com:1,127.0.0.1:2/x":            true,
		"postgres://u@localhost.example.com/x":                   true,
		"postgres://u@127.0.0.1.example.com/x":                   true,
		"postgres://u@localhost/x?host=db.example.com":           true,
		"postgres:///x?host=db.example.com":                      true,
		"postgres:///x?service=far":                              true,
		"postgres://u@db.example.com/x?sslmode=verify-full":      true,
		"postgres://u@localhost/x?sslmode=verify-full":           true,
		"postgres://u@localhost/x":                               false,
		"postgres://u@127.0.0.1:6432/x":                          false,
		"postgres://u@127.8.9.1/x":                               false,
		"postgres://u@[::1]/x":                                   false,
		"postgres://u@localhost:1,127.0.0.1:2/x":                 false,
		"postgres:///x?host=/run/postgresql":                     false,
		"postgres:///x?service=near":                             false,
		"postgres://u@db.example.com/x?host=/run/postgresql":     false,
		"postgres://u@db.example.com/x?sslmode=require":          false,
		"postgres://u@db.example.com/x?sslmode=disable":          false,
		"postgres://u@db.example.com/x?sslmode=prefer&user=u%20": false,
	} {
		if got := verifies(config(t, url)); got != want {
			t.Errorf("%s: the name must be proven: %v, want %v", url, got, want)
		}
	}
	t.Setenv("PGHOST", "db.example.com")
	if !verifies(config(t, "postgres:///x")) {
		t.Error("a host of PGHOST need not prove its name")
	}
	for mode, want := range map[string]bool{"require": false, "verify-full": true} {
		t.Setenv("PGSSLMODE", mode)
		for _, host := range []string{"db.example.com", "localhost"} {
			if got := verifies(config(t, "postgres://u@"+host+"/x")); got != want {
				t.Errorf("PGSSLMODE=%s, %s: the name must be proven: %v", mode, host, got)
			}
		}
	}
}

func TestPostgresRefusesServersThatOnlyRead(t *testing.T) {
	for _, attrs := range []string{"any", "read-only", "standby", "prefer-standby", "nonsense"} {
		_, err := postgresConfig("postgres://u@localhost/x?target_session_attrs=" + attrs)
		if err == nil || !strings.Contains(err.Error(), "target_session_attrs") {
			t.Errorf("target_session_attrs=%s: %v", attrs, err)
		}
	}
	for _, attrs := range []string{"", "?target_session_attrs=read-write", "?target_session_attrs=primary"} {
		if config(t, "postgres://u@localhost/x"+attrs).ValidateConnect == nil {
			t.Errorf("with %q a server that only reads will do", attrs)
		}
	}
}

// C-225, R-64: whatever goes wrong, the password is in no message.
func TestPostgresErrorsHideThePassword(t *testing.T) {
	server := postgrestest.Shared(t)
	database := nameOf(t, server.Database(t))
	silent, err := net.Listen("tcp", "127.0.0.1:0") // nobody answers
	must(t, err)
	t.Cleanup(func() { _ = silent.Close() })
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	must(t, closed.Close())
	const password = "hush-4711"
	host := net.JoinHostPort(server.Host, fmt.Sprint(server.Port))
	for what, test := range map[string]struct{ url, says string }{
		"wrong password":      {"postgres://postgres:" + password + "@" + host + "/" + database, "refuses this user or password"},
		"as an option":        {"postgres://postgres@" + host + "/" + database + "?password=" + password, "refuses this user or password"},
		"unknown user":        {"postgres://nobody:" + password + "@" + host + "/" + database, "refuses this user or password"},
		"unreachable":         {"postgres://postgres:" + password + "@" + closed.Addr().String() + "/x", "connection refused"},
		"no answer":           {"postgres://postgres:" + password + "@" + silent.Addr().String() + "/x?connect_timeout=1", "timeout"},
		"unknown host":        {"postgres://postgres:" + password + "@nowhere.invalid/x", "nowhere.invalid"},
		"no URL":              {"postgres://postgres:" + password + "%zz@" + host + "/x", "is no URL"},
		"slash in it":         {"postgres://postgres:" + password + "/@" + host + "/x", "is no URL"},
		"no port":             {"postgres://postgres:" + password + "@" + server.Host + ":port/x", "is no URL"},
		"another scheme":      {"mysql://postgres:" + password + "@" + host + "/x", "is no URL"},
		"bad option":          {"postgres://postgres:" + password + "@" + host + "/x?sslmode=x", "sslmode"},
		"bad option, twice":   {"postgres://postgres@" + host + "/x?sslmode=x&password=" + password, "sslmode"},
		"bad certificate":     {"postgres://postgres:" + password + "@" + host + "/x?sslrootcert=/nowhere&sslmode=verify-full", "/nowhere"},
		"session attributes":  {"postgres://postgres:" + password + "@" + host + "/x?target_session_attrs=any", "target_session_attrs"},
		"setting of a server": {server.URL(database) + "?search_pathh=x", "search_pathh"},
	} {
		s, err := OpenPostgres(t.Context(), test.url, Options{Create: true})
		if err == nil {
			t.Errorf("%s: it opened", what)
			must(t, s.Close())
			continue
		}
		for _, text := range []string{err.Error(), PostgresName(test.url)} {
			if strings.Contains(text, password) || strings.Contains(text, postgrestest.Password) {
				t.Errorf("%s: %s", what, text)
			}
		}
		if !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v", what, err)
		}
	}
	unknown := server.URL("no_such_database")
	if _, err := OpenPostgres(t.Context(), unknown, Options{Create: true}); postgresCode(err) != pgNoSuchDatabase ||
		!strings.Contains(err.Error(), "CREATE DATABASE") || strings.Contains(err.Error(), postgrestest.Password) {
		t.Errorf("unknown database: %v", err)
	}
	u, err := url.Parse(unknown)
	must(t, err)
	wantEqual(t, "the name of a database", PostgresName(unknown), "postgres://postgres@"+u.Host+"/no_such_database")
}
