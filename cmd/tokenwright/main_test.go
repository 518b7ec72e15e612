package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tokenwright/tokenwright/internal/postgrestest"
)

func TestMain(m *testing.M) {
	testscript.Main(withPostgres{m}, map[string]func(){"tokenwright": main, "fetch": fetch})
}

// withPostgres ends the database server of the tests behind them.
type withPostgres struct{ tests *testing.M }

func (w withPostgres) Run() int { return postgrestest.Main(w.tests) }

// fetch is a program that scripts can run: fetch [-jwt] URL [NAME=VALUE...] sends
// a GET, or the form, and prints the body, of a JWT only its payload. It fails
// where the answer is not 200, or what -status says.
func fetch() {
	jwt := flag.Bool("jwt", false, "print the payload of a JWT")
	want := flag.String("want", "", "text that the answer must have")
	status := flag.Int("status", http.StatusOK, "status that the answer must have")
	bearer := flag.String("bearer", "", "access token to send")
	header := flag.String("header", "", "header of the answer to print instead of its body")
	flag.Parse()
	form := url.Values{}
	for _, pair := range flag.Args()[1:] {
		name, value, _ := strings.Cut(pair, "=")
		form.Add(name, value)
	}
	r, err := http.NewRequest(http.MethodGet, flag.Arg(0), nil)
	if len(form) > 0 {
		r, err = http.NewRequest(http.MethodPost, flag.Arg(0), strings.NewReader(form.Encode()))
	}
	if err != nil {
		log.Fatal(err)
	}
	if len(form) > 0 {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if *bearer != "" {
		r.Header.Set("Authorization", "Bearer "+*bearer)
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	if err != nil {
		log.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != *status {
		log.Fatalf("%s: %s %v", resp.Status, body, err)
	}
	if *jwt {
		parts := strings.Split(string(body), ".")
		if body, err = base64.RawURLEncoding.DecodeString(parts[1]); err != nil {
			log.Fatal(err)
		}
	}
	if *header != "" {
		body = []byte(resp.Header.Get(*header) + "\n")
	}
	os.Stdout.Write(body)
	if !strings.Contains(string(body), *want) {
		log.Fatalf("the answer lacks %s", *want)
	}
}

// TestScripts drives the command as people do. Besides what testscript has,
// scripts can use the commands below.
func TestScripts(t *testing.T) { testscript.Run(t, scripts("testdata/script")) }

// R-64, with a server besides: $SERVER is its address, postgres its
// role, whose password is $PASSWORD.
func TestPostgresScripts(t *testing.T) {
	server := postgrestest.Shared(t)
	p := scripts("testdata/postgres")
	p.Deadline = time.Now().Add(5 * time.Minute) // of the few scripts; a node that waits for its database waits for ever
	own := p.Setup
	p.Setup = func(e *testscript.Env) error {
		e.Setenv("SERVER", net.JoinHostPort(server.Host, strconv.Itoa(server.Port)))
		e.Setenv("PASSWORD", postgrestest.Password)
		return own(e)
	}
	// query DATABASE STATEMENT runs SQL, in the database postgres to make another.
	p.Cmds["query"] = func(ts *testscript.TestScript, _ bool, args []string) { ts.Check(server.Try(args[0], args[1])) }
	testscript.Run(t, p)
}

func scripts(dir string) testscript.Params {
	return testscript.Params{
		Dir: dir, RequireExplicitExec: true, RequireUniqueNames: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("TOKENWRIGHT_METRICS_LISTEN", "off")
			e.Setenv("NO_PROXY", "*")
			e.Setenv("GORACE", "atexit_sleep_ms=0") // the race detector would keep every command for a second
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"code": code, "within": within, "eventually": eventually, "freeport": freeport, "occupy": occupy, "member": member, "members": members,
			"keep": keep, "mode": mode, "sql": runSQL, "terminate": signalAll(syscall.SIGTERM),
			"hangup": signalAll(syscall.SIGHUP), "certificate": certificate,
		},
	}
}

// code N COMMAND... runs the command, which must end with exit code N.
func code(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N COMMAND...")
	}
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		ended, ok := err.(interface{ ExitCode() int })
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = ended.ExitCode()
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("exit code %d, want %s", got, args[0])
	}
}

// within SPAN N COMMAND... is code, and fails where that takes longer.
func within(ts *testscript.TestScript, neg bool, args []string) {
	span, err := time.ParseDuration(args[0])
	ts.Check(err)
	begun := time.Now()
	code(ts, neg, args[1:])
	if took := time.Since(begun); took > span {
		ts.Fatalf("it took %s", took)
	}
}

// eventually SPAN [!] COMMAND... runs the command until it succeeds (with !,
// fails), within the span.
func eventually(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: eventually SPAN [!] COMMAND...")
	}
	span, err := time.ParseDuration(args[0])
	ts.Check(err)
	command := args[1:]
	fail := command[0] == "!"
	if fail {
		command = command[1:]
	}
	for deadline := time.Now().Add(span); ; time.Sleep(10 * time.Millisecond) {
		begun := time.Now()
		if (ts.Exec(command[0], command[1:]...) != nil) == fail {
			return
		}
		if begun.After(deadline) {
			ts.Fatalf("not within %s: %s", span, strings.Join(args[1:], " "))
		}
	}
}

// Ports are handed out below those that the system gives to outgoing
// connections, each once.
var lastPort atomic.Int64

func unusedPort(ts *testscript.TestScript) int {
	for range 1000 {
		port := 15000 + (os.Getpid()*13+int(lastPort.Add(1)))%15000
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			ts.Check(l.Close())
			return port
		}
	}
	ts.Fatalf("there is no unused port")
	return 0
}

// freeport VARIABLE... sets each variable to a port that nobody uses.
func freeport(ts *testscript.TestScript, neg bool, args []string) {
	for _, variable := range args {
		ts.Setenv(variable, strconv.Itoa(unusedPort(ts)))
	}
}

// occupy VARIABLE sets the variable to a port that somebody uses.
func occupy(ts *testscript.TestScript, neg bool, args []string) {
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", unusedPort(ts)))
	ts.Check(err)
	ts.Defer(func() { _ = l.Close() })
	_, port, err := net.SplitHostPort(l.Addr().String())
	ts.Check(err)
	ts.Setenv(args[0], port)
}

// document reads FILE (or stdout) as JSON and follows the path of names and
// numbers, parted by dots; "." is the whole.
func document(ts *testscript.TestScript, file, path string) any {
	d := json.NewDecoder(strings.NewReader(ts.ReadFile(file)))
	d.UseNumber()
	var v any
	ts.Check(d.Decode(&v))
	if d.More() {
		ts.Fatalf("%s has more than one JSON value", file)
	}
	for _, name := range strings.FieldsFunc(path, func(r rune) bool { return r == '.' }) {
		switch at := v.(type) {
		case map[string]any:
			inner, ok := at[name]
			if !ok {
				ts.Fatalf("%s has no member %s", file, path)
			}
			v = inner
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i >= len(at) {
				ts.Fatalf("%s has no item %s", file, path)
			}
			v = at[i]
		default:
			ts.Fatalf("%s has nothing at %s", file, path)
		}
	}
	return v
}

// member FILE PATH JSON compares a value with what it must be.
func member(ts *testscript.TestScript, neg bool, args []string) {
	got, err := json.Marshal(document(ts, args[0], args[1]))
	ts.Check(err)
	if (string(got) == args[2]) == neg {
		ts.Fatalf("%s of %s is %s", args[1], args[0], got)
	}
}

// members FILE PATH NAME... compares the names of an object's members, in any
// order, with all there must be.
func members(ts *testscript.TestScript, neg bool, args []string) {
	object, _ := document(ts, args[0], args[1]).(map[string]any)
	names := []string{}
	for name := range object {
		names = append(names, name)
	}
	slices.Sort(names)
	slices.Sort(args[2:])
	if neg || !slices.Equal(names, args[2:]) {
		ts.Fatalf("%s of %s has the members %v", args[1], args[0], names)
	}
}

// keep FILE PATH VARIABLE sets a variable to a text or number; with PATH - to
// the whole file, the line end apart.
func keep(ts *testscript.TestScript, neg bool, args []string) {
	if args[1] == "-" {
		ts.Setenv(args[2], strings.TrimSuffix(ts.ReadFile(args[0]), "\n"))
		return
	}
	ts.Setenv(args[2], fmt.Sprint(document(ts, args[0], args[1])))
}

// mode OCTAL FILE... compares who may read and write.
func mode(ts *testscript.TestScript, neg bool, args []string) {
	for _, name := range args[1:] {
		info, err := os.Stat(ts.MkAbs(name))
		ts.Check(err)
		if got := fmt.Sprintf("%04o", info.Mode().Perm()); neg || got != args[0] {
			ts.Fatalf("%s has mode %s", name, got)
		}
	}
}

// terminate and hangup send a signal to every command in the background.
func signalAll(s os.Signal) func(ts *testscript.TestScript, neg bool, args []string) {
	return func(ts *testscript.TestScript, _ bool, _ []string) {
		for _, c := range ts.BackgroundCmds() {
			ts.Check(c.Process.Signal(s))
		}
	}
}

// certificate CERT KEY writes a certificate for localhost and its private key.
func certificate(ts *testscript.TestScript, neg bool, args []string) {
	ts.Check(writeCertificate(ts.MkAbs(args[0]), ts.MkAbs(args[1])))
}

func writeCertificate(certFile, keyFile string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return errors.Join(os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600),
		os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
}

// sql FILE STATEMENT changes a database behind the product's back.
func runSQL(ts *testscript.TestScript, neg bool, args []string) {
	db, err := sql.Open("sqlite", ts.MkAbs(args[0]))
	ts.Check(err)
	defer db.Close()
	result, err := db.Exec(args[1])
	ts.Check(err)
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		ts.Fatalf("changed %d rows: %v", n, err)
	}
}
