package store

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"
)

// seed says how much an installation has.
type seed struct {
	merchants, keys, users, events int
	blob                           func(text string) string // an expression that is the bytes of another
}

// numbers begins a statement that has the numbers from 1 to n.
func numbers(n int) string {
	return fmt.Sprintf(`WITH RECURSIVE numbers (n) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT n + 1 FROM numbers WHERE n < %d) `, n)
}

// id is an expression of the n-th ID of a kind: a prefix and 22 digits.
func id(prefix string) string { return `'` + prefix + `' || '00000000000000' || (10000000 + n)` }

// statements fill an installation that was just initialized. Among merchants
// that are alike, few has three API keys and three events; demo and production
// have half of all each, platform has three events.
func (s seed) statements() []string {
	begun := millis(at)
	step := (400 * day).Milliseconds() / int64(s.events)
	merchant := fmt.Sprintf(`(1000 + n %% %d)`, s.merchants)
	env := `CASE n / 2 % 2 WHEN 0 THEN 'demo' ELSE 'production' END`
	key := `CASE WHEN n / 2 % 2 = 0 THEN ` + id("twc_demo_") + ` ELSE ` + id("twc_production_") + ` END`
	rare := func(column string) string {
		return fmt.Sprintf(`CASE WHEN n IN (3, %d, %d) THEN %s ELSE`, s.events/2, s.events-3, column)
	}
	return []string{
		numbers(s.merchants) + `INSERT INTO merchants SELECT '' || ` + merchant + `, 'Name ' || n, 'active', 1000, 0, 0, 1 FROM numbers`,
		`INSERT INTO merchants VALUES ('few', 'Few', 'active', 3, 0, 0, 1)`,
		numbers(s.keys) + `INSERT INTO api_keys (id, merchant_id, env, name, description, scopes, status, generation, expires_at, created_at, created_by, updated_at, version, last_secret_id)
			SELECT ` + key + `, CASE WHEN n <= 3 THEN 'few' ELSE '' || ` + merchant + ` END, ` + env + `, 'Key ' || n, 'd', 's:read',
			CASE WHEN n % 3 = 0 THEN 'deleted' WHEN n % 700 = 1 THEN 'disabled' ELSE 'active' END, 0, 0, n, 'x', 0, 1, 2 FROM numbers`,
		numbers(s.keys) + `INSERT INTO secrets SELECT ` + key + `, 1 + n % 2, '', 'abcd', ` + s.blob(`'h' || n`) + `, 1, 0, 'x', 0, 0, 0 FROM numbers`,
		numbers(s.keys) + `INSERT INTO last_uses SELECT ` + key + `, 1 + n % 2, n, '192.0.2.1' FROM numbers`,
		numbers(s.users) + `INSERT INTO users (id, email, email_key, name, status, operator, created_at, created_by, updated_at, version)
			SELECT ` + id("usr_") + `, 'u' || n || '@example.com', 'u' || n || '@example.com', 'User ' || n, CASE WHEN n % 1000 = 1 THEN 'disabled' ELSE 'active' END, 0, 0, 'x', 0, 1 FROM numbers`,
		numbers(s.users) + `INSERT INTO memberships SELECT ` + id("usr_") + `, CASE WHEN n <= 3 THEN 'few' ELSE '' || ` + merchant + ` END, 'viewer' FROM numbers`,
		numbers(s.users) + `INSERT INTO credentials SELECT ` + id("usr_") + `, 'p', ` + s.blob(`''`) + `, 0 FROM numbers`,
		numbers(s.users) + `INSERT INTO identities SELECT 'https://issuer', 's' || n, ` + id("usr_") + ` FROM numbers`,
		numbers(s.users) + `INSERT INTO sessions SELECT ` + id("ses_") + `, ` + s.blob(`'h' || n`) + `, ` + id("usr_") + `, '', 'password', 0, 0, 0, 0, n, '', '' FROM numbers`,
		numbers(s.users) + `INSERT INTO links SELECT ` + id("lnk_") + `, ` + s.blob(`'h' || n`) + `, 'invitation', '', 'e', '' || ` + merchant + `, 'viewer', 0, 'x', n FROM numbers`,
		// An hour of each API key for every use, so that its own hours are many.
		numbers(s.keys*10) + fmt.Sprintf(`INSERT INTO usage SELECT %d + (n - 1) / %d * 3600000, k.id, 1, 'issued', 1
			FROM numbers JOIN api_keys k ON k.created_at = 1 + (n - 1) %% %d`, millis(at.Truncate(time.Hour)), s.keys, s.keys),
		numbers(400*24) + fmt.Sprintf(`INSERT INTO usage_totals SELECT '', 3600000, %d + n * 3600000, 'demo', 'issued', 1 FROM numbers`, millis(at.Truncate(day))),
		numbers(400) + fmt.Sprintf(`INSERT INTO usage_totals SELECT '', 86400000, %d + n * 86400000, 'demo', 'issued', 1 FROM numbers`, millis(at.Truncate(day))),
		numbers(s.merchants*100) + fmt.Sprintf(`INSERT INTO usage_totals SELECT '' || %s, 3600000, %d + n / %d * 3600000, 'demo', 'issued', 1 FROM numbers`,
			merchant, millis(at.Truncate(day)), s.merchants),
		numbers(s.events) + fmt.Sprintf(`INSERT INTO events SELECT 1 + n, %d + %d * n, %s CASE n %% 2 WHEN 0 THEN 'system' ELSE 'user:' || n %% 1000 END END, '', '',
			%s CASE n %% 3 WHEN 0 THEN 'api_key.updated' ELSE 'kind' || n %% 30 END END, 'subject' || n %% 50000, %s '' || %s END, %s %s END, '{}', 1, %s FROM numbers`,
			begun, step, rare(`'rare'`), rare(`'rare'`), rare(`'few'`), merchant, rare(`'platform'`), env, s.blob(`'h' || n`)),
		fmt.Sprintf(`UPDATE event_head SET seq = %d`, 1+s.events),
	}
}

// fill runs the statements.
func (s seed) fill(t *testing.T, db *sql.DB) {
	t.Helper()
	for _, statement := range s.statements() {
		began := time.Now()
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%v\n%s", err, statement)
		}
		if took := time.Since(began); took > time.Second {
			t.Logf("%s: %s", strings.Fields(statement[strings.Index(statement, "INSERT"):])[2], took.Round(time.Millisecond))
		}
	}
}
