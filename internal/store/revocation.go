package store

import "time"

// cutOff records that tokens of the API keys that condition, with its argument
// arg, selects are dead below a generation: the greater of generation and the
// one after the stored one. It comes before the change of the API keys.
func (t *tx) cutOff(now time.Time, condition string, arg any, generation int64) error {
	var head int64
	if err := t.QueryRowContext(t.ctx, `UPDATE revocation_head SET seq = seq WHERE id = 1 RETURNING seq`).Scan(&head); err != nil {
		return err
	}
	result, err := t.ExecContext(t.ctx, `INSERT INTO revocations (seq, env, client_id, generation, jti, kid, expires_at, created_at)
		SELECT $2 + row_number() OVER (ORDER BY id), env, id, CASE WHEN generation + 1 > $3 THEN generation + 1 ELSE $3 END, '', '', 0, $4
		FROM api_keys WHERE `+condition, arg, head, generation, millis(now))
	if err != nil {
		return err
	}
	added, err := result.RowsAffected()
	if err != nil {
		return err
	}
	return t.exec(`UPDATE revocation_head SET seq = seq + $1 WHERE id = 1`, added)
}
