-- One text for SQLite and PostgreSQL. Times are Unix milliseconds, 0 for
-- never; scopes are space-separated text.

-- +goose Up
CREATE TABLE installation (
    id           BIGINT PRIMARY KEY CHECK (id = 1),
    prefix       TEXT   NOT NULL,
    merchant_ids TEXT   NOT NULL CHECK (merchant_ids IN ('number', 'text')),
    lineage      BIGINT NOT NULL,
    created_at   BIGINT NOT NULL
);

CREATE TABLE environments (
    position  BIGINT PRIMARY KEY,
    name      TEXT   NOT NULL UNIQUE,
    issuer    TEXT   NOT NULL UNIQUE,
    algorithm TEXT   NOT NULL
);

CREATE TABLE root_keys (
    id         BIGINT PRIMARY KEY,
    sealed     BYTEA  NOT NULL,
    created_at BIGINT NOT NULL
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

CREATE TABLE scopes (
    name        TEXT   PRIMARY KEY,
    description TEXT   NOT NULL,
    resource    TEXT   NOT NULL,
    created_at  BIGINT NOT NULL
);

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
);

CREATE INDEX api_keys_by_merchant ON api_keys (merchant_id, env, status);

CREATE TABLE secrets (
    api_key_id  TEXT   NOT NULL REFERENCES api_keys (id),
    id          BIGINT NOT NULL,
    name        TEXT   NOT NULL,
    hint        TEXT   NOT NULL,
    hash        BYTEA  NOT NULL,
    root_key_id BIGINT NOT NULL REFERENCES root_keys (id),
    created_at  BIGINT NOT NULL,
    created_by  TEXT   NOT NULL,
    expires_at  BIGINT NOT NULL,
    PRIMARY KEY (api_key_id, id)
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

-- The one row that every change locks first: so changes have one order.
CREATE TABLE event_head (
    id   BIGINT PRIMARY KEY CHECK (id = 1),
    seq  BIGINT NOT NULL,
    hash BYTEA  NOT NULL
);
