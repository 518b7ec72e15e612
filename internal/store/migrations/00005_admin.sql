-- What the admin API needs: answers that can be given again, and lists that
-- are read by what they are asked for. And what is known of leaks.

-- +goose Up

-- id is a hash of who asked and the idempotency key; the answer is sealed under
-- that key, which is not here. A row goes after ten minutes.
CREATE TABLE replies (
    id         BYTEA  PRIMARY KEY,
    request    BYTEA  NOT NULL, -- hash of what was asked for
    api_key_id TEXT   NOT NULL, -- what the answer is about; '' for no API key
    version    BIGINT NOT NULL, -- of that API key
    sealed     BYTEA  NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX replies_by_age ON replies (created_at);

CREATE INDEX api_keys_in_order ON api_keys (merchant_id, id);

CREATE INDEX events_by_merchant ON events (merchant_id, seq);
CREATE INDEX events_by_env ON events (env, seq);
CREATE INDEX events_by_subject ON events (subject, seq);
CREATE INDEX events_by_kind ON events (kind, seq);
CREATE INDEX events_by_actor ON events (actor, seq);
CREATE INDEX events_by_time ON events (time, seq);

ALTER TABLE secrets ADD COLUMN leaked_at BIGINT NOT NULL DEFAULT 0; -- when it was reported as leaked; 0 for not
