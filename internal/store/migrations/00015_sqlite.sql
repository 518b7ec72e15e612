-- SQLite alone: API keys and their secrets lie in the order of IDs, in which a
-- node reads all of them when it starts. They lay in the order in which they were
-- made, and each had to be looked for in the whole file.

-- +goose Up

CREATE TABLE ordered_api_keys (
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
    last_secret_id BIGINT NOT NULL,
    allowed_cidrs  TEXT   NOT NULL DEFAULT '' -- space separated; '' for everywhere
) WITHOUT ROWID;

CREATE TABLE ordered_secrets (
    api_key_id  TEXT   NOT NULL REFERENCES ordered_api_keys (id),
    id          BIGINT NOT NULL,
    name        TEXT   NOT NULL,
    hint        TEXT   NOT NULL,
    hash        BYTEA  NOT NULL,
    root_key_id BIGINT NOT NULL REFERENCES root_keys (id),
    created_at  BIGINT NOT NULL,
    created_by  TEXT   NOT NULL,
    expires_at  BIGINT NOT NULL,
    retired_at  BIGINT NOT NULL DEFAULT 0,
    leaked_at   BIGINT NOT NULL DEFAULT 0, -- when it was reported as leaked; 0 for not
    PRIMARY KEY (api_key_id, id)
) WITHOUT ROWID;

INSERT INTO ordered_api_keys (id, merchant_id, env, name, description, scopes, status, generation, expires_at,
        created_at, created_by, updated_at, version, last_secret_id, allowed_cidrs)
    SELECT id, merchant_id, env, name, description, scopes, status, generation, expires_at,
        created_at, created_by, updated_at, version, last_secret_id, allowed_cidrs
    FROM api_keys ORDER BY id;

INSERT INTO ordered_secrets (api_key_id, id, name, hint, hash, root_key_id, created_at, created_by, expires_at, retired_at, leaked_at)
    SELECT api_key_id, id, name, hint, hash, root_key_id, created_at, created_by, expires_at, retired_at, leaked_at
    FROM secrets ORDER BY api_key_id, id;

DROP TABLE secrets;
DROP TABLE api_keys;
ALTER TABLE ordered_api_keys RENAME TO api_keys;
ALTER TABLE ordered_secrets RENAME TO secrets;

CREATE INDEX api_keys_by_merchant ON api_keys (merchant_id, env, status);
CREATE INDEX api_keys_in_order ON api_keys (merchant_id, id);
CREATE INDEX api_keys_newest ON api_keys (merchant_id, env, created_at, id) WHERE status <> 'deleted';
CREATE INDEX api_keys_by_name ON api_keys (merchant_id, env, lower(name), id) WHERE status <> 'deleted';
CREATE INDEX api_keys_in_env ON api_keys (merchant_id, env, id) WHERE status <> 'deleted';
CREATE INDEX api_keys_by_env ON api_keys (env, id) WHERE status <> 'deleted';
CREATE INDEX api_keys_by_status ON api_keys (status, id);
