// Command merchantapi is an API that takes access tokens of Tokenwright: small,
// but whole, and made to be copied. A merchant finds its own customers:
//
//	POST /api/merchant/v2/customers
//	{"identifiers":[{"type":"email","value":"ada@example.com"}]}
//
// It wants the scope customers:read, allows each merchant 300 requests in 5
// minutes, and shows no merchant another one's customers.
package main

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"log"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	_ "modernc.org/sqlite" // the database of this example

	"github.com/tokenwright/tokenwright/verify"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	issuer := cmp.Or(os.Getenv("TOKENWRIGHT_ISSUER"), "http://localhost:8080/demo")
	verifier, err := verify.New(ctx, verify.Config{
		Issuer:   issuer,
		Audience: cmp.Or(os.Getenv("TOKENWRIGHT_AUDIENCE"), issuer+"/api"),
		Leeway:   5 * time.Second, // for clocks that are kept right; 60 s without
	})
	if err != nil {
		return err
	}
	defer verifier.Close()
	db, err := openDatabase(ctx, cmp.Or(os.Getenv("MERCHANTAPI_DATABASE"), "merchantapi.db"))
	if err != nil {
		return err
	}
	defer db.Close()

	api := &api{db: db}
	limit := verify.RateLimit{Limit: 300, Group: "customers"}.Middleware()
	mux := http.NewServeMux()
	mux.Handle("POST /api/merchant/v2/customers",
		verifier.Middleware(verify.Require("customers:read"))(limit(http.HandlerFunc(api.findCustomers))))

	server := &http.Server{
		Addr: cmp.Or(os.Getenv("MERCHANTAPI_LISTEN"), "localhost:8090"), Handler: mux,
		ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, IdleTimeout: time.Minute,
	}
	drained := make(chan error, 1)
	context.AfterFunc(ctx, func() { drained <- server.Shutdown(context.WithoutCancel(ctx)) })
	slog.Info("serving", "listen", server.Addr, "issuer", issuer)
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-drained
}

type api struct{ db *sql.DB }

// identifier is what a customer is known by.
type identifier struct {
	Type  string `json:"type"` // email or customerId
	Value string `json:"value"`
}

type customer struct {
	ID        int64  `json:"id"`
	Email     string `json:"email"`
	FirstName string `json:"firstname"`
	Surname   string `json:"surname"`
}

// columns are the identifiers that can be searched for.
var columns = map[string]string{"email": "email", "customerId": "id"}

func (a *api) findCustomers(w http.ResponseWriter, r *http.Request) {
	var query struct {
		Identifiers []identifier `json:"identifiers"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(&query); err != nil || len(query.Identifiers) == 0 {
		answerError(w, http.StatusBadRequest, `Send {"identifiers":[{"type":"email","value":"..."}]}.`)
		return
	}
	// The merchant is a fact of the token: nothing in the request can choose it.
	claims, _ := verify.FromContext(r.Context())
	for _, id := range query.Identifiers {
		column, ok := columns[id.Type]
		if !ok {
			answerError(w, http.StatusBadRequest, "The type of an identifier is email or customerId.")
			return
		}
		var c customer
		err := a.db.QueryRowContext(r.Context(),
			`SELECT id, email, firstname, surname FROM customers WHERE merchant_id = $1 AND env = $2 AND `+column+` = $3`,
			claims.MerchantID.Text, claims.Env, id.Value).Scan(&c.ID, &c.Email, &c.FirstName, &c.Surname)
		switch {
		case err == nil:
			answer(w, http.StatusOK, map[string]any{"customer": c})
			return
		case !errors.Is(err, sql.ErrNoRows):
			slog.Error("finding a customer", "error", err)
			answerError(w, http.StatusInternalServerError, "Something went wrong on our side. Try again.")
			return
		}
	}
	answerError(w, http.StatusNotFound, "No customer found.")
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client may be gone
}

func answerError(w http.ResponseWriter, status int, message string) {
	answer(w, status, map[string]string{"code": strconv.Itoa(status), "message": message})
}

// openDatabase makes the database where there is none, with a few customers to
// find.
func openDatabase(ctx context.Context, path string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", path+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(wal)")
	if err != nil {
		return nil, err
	}
	_, err = db.ExecContext(ctx, `
		CREATE TABLE IF NOT EXISTS customers (
			id INTEGER PRIMARY KEY, merchant_id TEXT NOT NULL, env TEXT NOT NULL,
			email TEXT NOT NULL, firstname TEXT NOT NULL, surname TEXT NOT NULL, UNIQUE (merchant_id, env, email));
		INSERT OR IGNORE INTO customers VALUES
			(1, '4259', 'demo', 'ada@example.com', 'Ada', 'Lovelace'),
			(2, '4259', 'demo', 'grace@example.com', 'Grace', 'Hopper'),
			(3, '4260', 'demo', 'alan@example.com', 'Alan', 'Turing')`)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}
