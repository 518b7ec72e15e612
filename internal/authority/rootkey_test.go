package authority_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// DESIGN 4.4: rotation re-seals one row; no secret dies and running nodes go on.
func TestRotateMasterKeyKeepsEverySecret(t *testing.T) {
	h := New(t)
	k := h.ready()
	next, text := authority.NewMasterKey()
	previous := h.config.MasterKeys[0]
	h.must(h.RotateMasterKey(h.ctx, actor, next))
	h.issue(h.Authority, k.request())

	open := func(keys ...authority.MasterKey) (*authority.Authority, error) {
		cfg := h.config
		cfg.MasterKeys = keys
		return authority.Open(h.ctx, cfg)
	}
	unrelated, _ := authority.NewMasterKey()
	for what, keys := range map[string][]authority.MasterKey{"previous": {previous}, "unrelated": {unrelated}, "none": nil} {
		_, err := open(keys...)
		wantError(t, what, err, authority.ErrMasterKey)
	}
	parsed, err := authority.ParseMasterKey("\n" + text + "\r\n")
	h.must(err)
	for _, keys := range [][]authority.MasterKey{{parsed}, {parsed, previous}, {unrelated, next}} {
		a, err := open(keys...)
		h.must(err)
		h.must(a.LoadDirectory(h.ctx))
		h.issue(a, k.request())
	}
	// During a rotation a node is given both, and opens what is there.
	h.must(h.RotateMasterKey(h.ctx, actor, previous))
	if _, err := open(next, previous); err != nil {
		t.Errorf("with the previous master key: %v", err)
	}
	if _, err := h.VerifyEvents(h.ctx, nil, nil); err != nil {
		t.Error(err)
	}
}

func TestMasterKeysAreReadStrictlyAndNeverPrinted(t *testing.T) {
	master, text := authority.NewMasterKey()
	if same, err := authority.ParseMasterKey(text); err != nil || same != master {
		t.Errorf("%v, or another key than was made", err)
	}
	for _, bad := range []string{"", "a", text[:43], text[:40], text + "A", strings.TrimRight(text, "="), text + "\n" + text, strings.Repeat("_", 43) + "="} {
		_, err := authority.ParseMasterKey(bad)
		if err == nil || (len(bad) > 8 && strings.Contains(err.Error(), bad)) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	out := fmt.Sprintf("%v %+v %#v %s %x %d %q", master, master, &master, []authority.MasterKey{master}, master, master, master)
	if strings.Contains(out, text) || strings.Contains(out, fmt.Sprintf("%x", text)) || strings.Count(out, "[master key]") != 7 {
		t.Errorf("printed: %s", out)
	}
}

// no damaged or exchanged key ever signs or opens anything.
func TestEveryDamagedSealIsRefused(t *testing.T) {
	h := New(t)
	h.ready()
	open := func() error {
		a, err := authority.Open(h.ctx, h.config)
		if err != nil {
			return err
		}
		return a.LoadDirectory(h.ctx)
	}
	for _, table := range []string{"root_keys", "signing_keys"} {
		var sealed []byte
		h.scan(`SELECT sealed FROM `+table+` LIMIT 1`, &sealed)
		for bit := 0; bit < len(sealed)*8; bit += 1 + len(sealed)*8/24 {
			damaged := slices.Clone(sealed)
			damaged[bit/8] ^= 1 << (bit % 8)
			h.raw(`UPDATE `+table+` SET sealed = ? WHERE sealed = ?`, damaged, sealed)
			err := open()
			if err == nil {
				t.Fatalf("%s with bit %d changed opens", table, bit)
			}
			if table == "signing_keys" && !strings.Contains(err.Error(), "damaged") {
				t.Errorf("bit %d: %v", bit, err)
			}
			h.raw(`UPDATE `+table+` SET sealed = ? WHERE sealed = ?`, sealed, damaged)
		}
		for _, cut := range [][]byte{{}, sealed[:11], sealed[:len(sealed)-1], append(slices.Clone(sealed), 0)} {
			h.raw(`UPDATE `+table+` SET sealed = ? WHERE sealed = ?`, cut, sealed)
			if open() == nil {
				t.Errorf("%s of %d bytes instead of %d opens", table, len(cut), len(sealed))
			}
			h.raw(`UPDATE `+table+` SET sealed = ? WHERE sealed = ?`, sealed, cut)
		}
	}
	h.must(open())
	h.raw(`DROP INDEX signing_keys_active`) // whoever has the file can
	h.raw(`CREATE TABLE kept_keys AS SELECT * FROM signing_keys; CREATE TABLE kept_secrets AS SELECT * FROM secrets`)
	for what, change := range map[string]string{
		"two environments exchanged": `UPDATE signing_keys SET env = CASE env WHEN 'demo' THEN 'platform' WHEN 'platform' THEN 'demo' ELSE env END`,
		"sealed key of another":      `UPDATE signing_keys SET sealed = (SELECT sealed FROM kept_keys WHERE env = 'platform') WHERE env = 'demo'`,
		"another kid":                `UPDATE signing_keys SET kid = 'x' || kid WHERE env = 'demo'`,
		"another algorithm":          `UPDATE signing_keys SET algorithm = 'EdDSA' WHERE env = 'demo'`,
		"another root key":           `UPDATE signing_keys SET root_key_id = 2`,
		"no active key":              `UPDATE signing_keys SET status = 'retired' WHERE env = 'demo'`,
		"no key at all":              `DELETE FROM signing_keys WHERE env = 'demo'`,
		"secret of another root key": `UPDATE secrets SET root_key_id = 2`,
		"cut hash":                   `UPDATE secrets SET hash = substr(hash, 2)`,
	} {
		h.raw(change)
		if open() == nil {
			t.Errorf("%s: it opens", what)
		}
		h.raw(`DELETE FROM signing_keys; INSERT INTO signing_keys SELECT * FROM kept_keys;
			DELETE FROM secrets; INSERT INTO secrets SELECT * FROM kept_secrets`)
		h.must(open())
	}
}

// a changed bit of a secret's hash lets nobody in.
func TestADamagedHashLetsNobodyIn(t *testing.T) {
	h := New(t)
	k := h.ready()
	var hash []byte
	h.scan(`SELECT hash FROM secrets`, &hash)
	for bit := 0; bit < len(hash)*8; bit += 17 {
		damaged := slices.Clone(hash)
		damaged[bit/8] ^= 1 << (bit % 8)
		h.raw(`UPDATE secrets SET hash = ?`, damaged)
		h.must(h.LoadDirectory(h.ctx))
		h.refused(h.Authority, k.request(), authority.WrongSecret)
	}
}

// C-044, C-225: neither the database nor the log holds a secret or a private key.
func TestNothingSecretIsWritten(t *testing.T) {
	var log strings.Builder
	h := newWith(t, authority.MerchantNumbers, &log)
	k := h.ready()
	token, _ := h.issue(h.Authority, k.request())
	next, master := authority.NewMasterKey()
	h.must(h.RotateMasterKey(h.ctx, actor, next))
	ctx, cancel := context.WithCancel(h.ctx)
	cancel()
	h.Follow(ctx)
	h.raw(`PRAGMA wal_checkpoint(TRUNCATE)`)
	written := log.String()
	for _, suffix := range []string{"", "-wal"} {
		f, err := os.Open(h.path + suffix)
		h.must(err)
		raw, err := io.ReadAll(f)
		h.must(err)
		h.must(f.Close())
		written += string(raw)
	}
	if !strings.Contains(written, string(k.ID)) || !strings.Contains(written, "event head") {
		t.Fatal("what was written is not what is searched")
	}
	secret := k.secret.Reveal()
	for _, text := range []string{secret, secret[:20], secret[9:21], secret[len(secret)-12:], string(token.AccessToken), token.ID, master, "PRIVATE KEY"} {
		if strings.Contains(written, text) {
			t.Errorf("%q is written", text)
		}
	}
}
