-- How people sign in: one-time links, sessions, and what they prove themselves by.

-- +goose Up

ALTER TABLE users ADD COLUMN used_at BIGINT NOT NULL DEFAULT 0;    -- when it last signed in; 0 for never
ALTER TABLE users ADD COLUMN enabled_at BIGINT NOT NULL DEFAULT 0; -- from when it may be unused for a while
UPDATE users SET enabled_at = created_at;

-- A user who can sign in with single sign-on alone has none.
CREATE TABLE credentials (
    user_id   TEXT   PRIMARY KEY REFERENCES users (id),
    password  TEXT   NOT NULL, -- PHC string of argon2id; '' for none
    totp      BYTEA  NOT NULL, -- the shared secret, sealed; empty for none
    totp_step BIGINT NOT NULL  -- of the last code that was taken
);

CREATE TABLE recovery_codes (
    user_id TEXT  NOT NULL REFERENCES users (id),
    hash    BYTEA NOT NULL,
    PRIMARY KEY (user_id, hash)
);

CREATE TABLE identities (
    issuer  TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id),
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX identities_by_user ON identities (user_id);

-- A row goes when its link is used, withdrawn, or of no use any more.
CREATE TABLE links (
    id          TEXT   PRIMARY KEY,
    hash        BYTEA  NOT NULL UNIQUE, -- SHA-256 of the token
    kind        TEXT   NOT NULL CHECK (kind IN ('set-up', 'invitation', 'reset', 'portal')),
    user_id     TEXT   NOT NULL, -- '' for none, here and below
    email       TEXT   NOT NULL,
    merchant_id TEXT   NOT NULL,
    role        TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    created_by  TEXT   NOT NULL,
    expires_at  BIGINT NOT NULL
);
CREATE INDEX links_by_merchant ON links (kind, merchant_id, id);
CREATE INDEX links_by_user ON links (user_id);
CREATE INDEX links_by_creator ON links (created_by);
CREATE INDEX links_by_end ON links (expires_at);

CREATE TABLE sessions (
    id               TEXT   PRIMARY KEY,
    hash             BYTEA  NOT NULL UNIQUE, -- SHA-256 of the token
    user_id          TEXT   NOT NULL, -- '' where it came by a link into the console of a merchant
    merchant_id      TEXT   NOT NULL, -- of such a link
    method           TEXT   NOT NULL,
    pending          BIGINT NOT NULL CHECK (pending IN (0, 1)),
    created_at       BIGINT NOT NULL,
    seen_at          BIGINT NOT NULL,
    authenticated_at BIGINT NOT NULL,
    expires_at       BIGINT NOT NULL,
    address          TEXT   NOT NULL,
    agent            TEXT   NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (user_id, id);
CREATE INDEX sessions_by_end ON sessions (expires_at);

CREATE TABLE sign_in_failures (
    id        BYTEA  PRIMARY KEY, -- SHA-256 of what was tried
    failures  BIGINT NOT NULL,
    failed_at BIGINT NOT NULL
);
CREATE INDEX sign_in_failures_by_age ON sign_in_failures (failed_at);
