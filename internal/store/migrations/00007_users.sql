-- People, and their roles.

-- +goose Up

-- A row stays when its user is deleted, so that the ID never returns; all that
-- tells who it was is wiped.
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
);
CREATE UNIQUE INDEX users_by_email ON users (email_key) WHERE status <> 'deleted';
CREATE INDEX users_operators ON users (status) WHERE operator = 1;

CREATE TABLE memberships (
    user_id     TEXT NOT NULL REFERENCES users (id),
    merchant_id TEXT NOT NULL REFERENCES merchants (id),
    role        TEXT NOT NULL CHECK (role IN ('administrator', 'viewer')),
    PRIMARY KEY (user_id, merchant_id)
);
CREATE INDEX memberships_by_merchant ON memberships (merchant_id, user_id);
