CREATE TABLE api_keys (
    id             TEXT   PRIMARY KEY,
    merchant_id    TEXT   REFERENCES merchants (id), -- NULL for operator keys
    env            TEXT   NOT NULL REFERENCES environments (name),
    name           TEXT   NOT NULL,
    description    TEXT   NOT NULL,
    scopes         TEXT   NOT NULL,
    status         TEXT   NOT NULL CHECK (status IN ('active', 'disabled', 'deleted')),
    generation     BIGINT NOT NULL,
    expires_at     BIGINT NOT NULL,
    created_at     BIGINT NOT NULL,
    created_by     TEXT   NOT NULL,
    updated_at     BIGINT NOT NULL,
    version        BIGINT NOT NULL,
    last_secret_id BIGINT NOT NULL
, allowed_cidrs TEXT NOT NULL DEFAULT '');
CREATE TABLE credentials (
    user_id   TEXT   PRIMARY KEY REFERENCES users (id),
    password  TEXT   NOT NULL, -- PHC string of argon2id; '' for none
    totp      BYTEA  NOT NULL, -- the shared secret, sealed; empty for none
    totp_step BIGINT NOT NULL  -- of the last code that was taken
);
CREATE TABLE environments (
    position  BIGINT PRIMARY KEY,
    name      TEXT   NOT NULL UNIQUE,
    issuer    TEXT   NOT NULL UNIQUE,
    algorithm TEXT   NOT NULL
);
CREATE TABLE event_head (
    id   BIGINT PRIMARY KEY CHECK (id = 1),
    seq  BIGINT NOT NULL,
    hash BYTEA  NOT NULL
);
CREATE TABLE events (
    seq         BIGINT PRIMARY KEY,
    time        BIGINT NOT NULL,
    actor       TEXT   NOT NULL,
    address     TEXT   NOT NULL,
    request_id  TEXT   NOT NULL,
    kind        TEXT   NOT NULL,
    subject     TEXT   NOT NULL,
    merchant_id TEXT   NOT NULL,
    env         TEXT   NOT NULL,
    details     TEXT   NOT NULL,
    root_key_id BIGINT NOT NULL,
    hash        BYTEA  NOT NULL
);
CREATE TABLE expiry_notices (
    api_key_id TEXT   NOT NULL,
    secret_id  BIGINT NOT NULL, -- 0 for the API key itself
    expires_at BIGINT NOT NULL,
    days       BIGINT NOT NULL, -- 30, 7 or 1
    PRIMARY KEY (api_key_id, secret_id, expires_at, days)
);
CREATE TABLE goose_db_version (
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		version_id INTEGER NOT NULL,
		is_applied INTEGER NOT NULL,
		tstamp TIMESTAMP DEFAULT (datetime('now'))
	);
CREATE TABLE identities (
    issuer  TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id),
    PRIMARY KEY (issuer, subject)
);
CREATE TABLE installation (
    id           BIGINT PRIMARY KEY CHECK (id = 1),
    prefix       TEXT   NOT NULL,
    merchant_ids TEXT   NOT NULL CHECK (merchant_ids IN ('number', 'text')),
    lineage      BIGINT NOT NULL,
    created_at   BIGINT NOT NULL
);
CREATE TABLE last_uses (
    api_key_id TEXT   NOT NULL,
    secret_id  BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    address    TEXT   NOT NULL,
    PRIMARY KEY (api_key_id, secret_id)
);
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
CREATE TABLE memberships (
    user_id     TEXT NOT NULL REFERENCES users (id),
    merchant_id TEXT NOT NULL REFERENCES merchants (id),
    role        TEXT NOT NULL CHECK (role IN ('administrator', 'viewer')),
    PRIMARY KEY (user_id, merchant_id)
);
CREATE TABLE merchants (
    id         TEXT   PRIMARY KEY,
    name       TEXT   NOT NULL,
    status     TEXT   NOT NULL CHECK (status IN ('active', 'suspended', 'deleted')),
    key_limit  BIGINT NOT NULL CHECK (key_limit >= 0),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    version    BIGINT NOT NULL
);
CREATE TABLE nodes (
    id         TEXT   PRIMARY KEY,
    version    TEXT   NOT NULL,
    host       TEXT   NOT NULL,
    started_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL,
    event_seq  BIGINT NOT NULL, -- of the last event in its directory
    current_at BIGINT NOT NULL  -- up to when its directory knows all
);
CREATE TABLE recovery_codes (
    user_id TEXT  NOT NULL REFERENCES users (id),
    hash    BYTEA NOT NULL,
    PRIMARY KEY (user_id, hash)
);
CREATE TABLE replies (
    id         BYTEA  PRIMARY KEY,
    request    BYTEA  NOT NULL, -- hash of what was asked for
    api_key_id TEXT   NOT NULL, -- what the answer is about; '' for no API key
    version    BIGINT NOT NULL, -- of that API key
    sealed     BYTEA  NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE TABLE revocation_head (
    id  BIGINT PRIMARY KEY CHECK (id = 1),
    seq BIGINT NOT NULL
);
CREATE TABLE revocations (
    seq        BIGINT PRIMARY KEY,
    env        TEXT   NOT NULL,
    client_id  TEXT   NOT NULL,
    generation BIGINT NOT NULL,
    jti        TEXT   NOT NULL,
    kid        TEXT   NOT NULL,
    expires_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE TABLE root_keys (
    id         BIGINT PRIMARY KEY,
    sealed     BYTEA  NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE TABLE schema_window (
    id     BIGINT PRIMARY KEY CHECK (id = 1),
    oldest BIGINT NOT NULL
);
CREATE TABLE scopes (
    name        TEXT   PRIMARY KEY,
    description TEXT   NOT NULL,
    resource    TEXT   NOT NULL,
    created_at  BIGINT NOT NULL
);
CREATE TABLE secrets (
    api_key_id  TEXT   NOT NULL REFERENCES api_keys (id),
    id          BIGINT NOT NULL,
    name        TEXT   NOT NULL,
    hint        TEXT   NOT NULL,
    hash        BYTEA  NOT NULL,
    root_key_id BIGINT NOT NULL REFERENCES root_keys (id),
    created_at  BIGINT NOT NULL,
    created_by  TEXT   NOT NULL,
    expires_at  BIGINT NOT NULL, retired_at BIGINT NOT NULL DEFAULT 0, leaked_at BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (api_key_id, id)
);
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
CREATE TABLE sign_in_failures (
    id        BYTEA  PRIMARY KEY, -- SHA-256 of what was tried
    failures  BIGINT NOT NULL,
    failed_at BIGINT NOT NULL
);
CREATE TABLE signing_keys (
    kid          TEXT   PRIMARY KEY,
    env          TEXT   NOT NULL REFERENCES environments (name),
    algorithm    TEXT   NOT NULL,
    status       TEXT   NOT NULL,
    root_key_id  BIGINT NOT NULL REFERENCES root_keys (id),
    sealed       BYTEA  NOT NULL,
    created_at   BIGINT NOT NULL,
    activated_at BIGINT NOT NULL
, retired_at BIGINT NOT NULL DEFAULT 0, removed_at BIGINT NOT NULL DEFAULT 0, ripe_at    BIGINT NOT NULL DEFAULT 0, wanted_at  BIGINT NOT NULL DEFAULT 0, keep_for   BIGINT NOT NULL DEFAULT 0);
CREATE TABLE sqlite_sequence(name,seq);
CREATE TABLE usage (
    hour       BIGINT NOT NULL, -- Unix milliseconds of its beginning
    api_key_id TEXT   NOT NULL,
    secret_id  BIGINT NOT NULL,
    outcome    TEXT   NOT NULL,
    count      BIGINT NOT NULL,
    PRIMARY KEY (api_key_id, hour, secret_id, outcome)
);
CREATE TABLE usage_totals (
    merchant_id TEXT   NOT NULL,
    span        BIGINT NOT NULL, -- milliseconds: an hour, or a day
    began       BIGINT NOT NULL, -- Unix milliseconds
    env         TEXT   NOT NULL,
    outcome     TEXT   NOT NULL,
    count       BIGINT NOT NULL,
    PRIMARY KEY (merchant_id, span, began, env, outcome)
);
CREATE TABLE users (
    id         TEXT   PRIMARY KEY,
    email      TEXT   NOT NULL, -- as it was written
    email_key  TEXT   NOT NULL, -- what no two users have in common
    name       TEXT   NOT NULL,
    status     TEXT   NOT NULL CHECK (status IN ('active', 'disabled', 'deleted')),
    operator   BIGINT NOT NULL CHECK (operator IN (0, 1)),
    created_at BIGINT NOT NULL,
    created_by TEXT   NOT NULL,
    updated_at BIGINT NOT NULL,
    version    BIGINT NOT NULL
, used_at BIGINT NOT NULL DEFAULT 0, enabled_at BIGINT NOT NULL DEFAULT 0);
CREATE TABLE webhook_cursors (
    name    TEXT   PRIMARY KEY,
    seq     BIGINT NOT NULL, -- of the last event that was looked at
    seen_at BIGINT NOT NULL  -- when it was last in use
);
CREATE TABLE webhook_deliveries (
    webhook      TEXT   NOT NULL,
    seq          BIGINT NOT NULL, -- of the event
    kind         TEXT   NOT NULL,
    state        TEXT   NOT NULL, -- pending, delivered, failed
    attempts     BIGINT NOT NULL, -- that were begun
    status       BIGINT NOT NULL, -- HTTP status that was last answered; 0 for none
    error        TEXT   NOT NULL, -- the class of why the last attempt failed
    created_at   BIGINT NOT NULL,
    attempted_at BIGINT NOT NULL, -- when the last attempt began
    next_at      BIGINT NOT NULL, -- while pending: from when on it may be attempted
    ended_at     BIGINT NOT NULL, told TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (webhook, seq)
);
CREATE INDEX api_keys_by_env ON api_keys (env, id) WHERE status <> 'deleted';
CREATE INDEX api_keys_by_merchant ON api_keys (merchant_id, env, status);
CREATE INDEX api_keys_by_name ON api_keys (merchant_id, env, lower(name), id) WHERE status <> 'deleted';
CREATE INDEX api_keys_by_status ON api_keys (status, id);
CREATE INDEX api_keys_in_env ON api_keys (merchant_id, env, id) WHERE status <> 'deleted';
CREATE INDEX api_keys_in_order ON api_keys (merchant_id, id);
CREATE INDEX api_keys_newest ON api_keys (merchant_id, env, created_at, id) WHERE status <> 'deleted';
CREATE INDEX events_by_actor ON events (actor, seq);
CREATE INDEX events_by_actor_env ON events (coalesce(actor, ''), coalesce(env, ''), seq);
CREATE INDEX events_by_env ON events (env, seq);
CREATE INDEX events_by_kind ON events (kind, seq);
CREATE INDEX events_by_kind_actor ON events (coalesce(kind, ''), coalesce(actor, ''), seq);
CREATE INDEX events_by_kind_actor_env ON events (coalesce(kind, ''), coalesce(actor, ''), coalesce(env, ''), seq);
CREATE INDEX events_by_kind_env ON events (coalesce(kind, ''), coalesce(env, ''), seq);
CREATE INDEX events_by_merchant ON events (merchant_id, seq);
CREATE INDEX events_by_merchant_actor ON events (coalesce(merchant_id, ''), coalesce(actor, ''), seq);
CREATE INDEX events_by_merchant_env ON events (coalesce(merchant_id, ''), coalesce(env, ''), seq);
CREATE INDEX events_by_merchant_kind ON events (coalesce(merchant_id, ''), coalesce(kind, ''), seq);
CREATE INDEX events_by_subject ON events (subject, seq);
CREATE INDEX events_by_time ON events (time, seq);
CREATE INDEX identities_by_user ON identities (user_id);
CREATE INDEX links_by_creator ON links (created_by);
CREATE INDEX links_by_end ON links (expires_at);
CREATE INDEX links_by_merchant ON links (kind, merchant_id, id);
CREATE INDEX links_by_user ON links (user_id);
CREATE INDEX memberships_by_merchant ON memberships (merchant_id, user_id);
CREATE INDEX merchants_by_name ON merchants (lower(name), id) WHERE status <> 'deleted';
CREATE INDEX merchants_suspended ON merchants (id) WHERE status = 'suspended';
CREATE INDEX nodes_by_time ON nodes (seen_at);
CREATE INDEX replies_by_age ON replies (created_at);
CREATE INDEX revocations_by_end ON revocations (expires_at, created_at);
CREATE UNIQUE INDEX revocations_by_token ON revocations (client_id, jti) WHERE jti <> '';
CREATE INDEX sessions_by_end ON sessions (expires_at);
CREATE INDEX sessions_by_user ON sessions (user_id, id);
CREATE INDEX sign_in_failures_by_age ON sign_in_failures (failed_at);
CREATE UNIQUE INDEX signing_keys_active ON signing_keys (env) WHERE status = 'active';
CREATE INDEX usage_by_hour ON usage (hour);
CREATE INDEX usage_totals_by_time ON usage_totals (began);
CREATE UNIQUE INDEX users_by_email ON users (email_key) WHERE status <> 'deleted';
CREATE INDEX users_by_name ON users (lower(name), id) WHERE status <> 'deleted';
CREATE INDEX users_by_status ON users (status, id);
CREATE INDEX users_operators ON users (status) WHERE operator = 1;
CREATE INDEX webhook_deliveries_by_end ON webhook_deliveries (ended_at) WHERE state <> 'pending';
CREATE INDEX webhook_deliveries_ended ON webhook_deliveries (webhook, state, ended_at);
CREATE INDEX webhook_deliveries_pending ON webhook_deliveries (webhook, next_at, seq) WHERE state = 'pending';
