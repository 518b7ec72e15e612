-- What the life of a key needs: retired secrets, addresses, revocation, the
-- states of signing keys, use.

-- +goose Up
ALTER TABLE api_keys ADD COLUMN allowed_cidrs TEXT NOT NULL DEFAULT ''; -- space separated; '' for everywhere

-- A secret that another one has replaced works until expires_at.
ALTER TABLE secrets ADD COLUMN retired_at BIGINT NOT NULL DEFAULT 0;

-- announced, active, retired, removed, revoked. The last two have lost their
-- private key.
ALTER TABLE signing_keys ADD COLUMN retired_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE signing_keys ADD COLUMN removed_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE signing_keys ADD COLUMN ripe_at    BIGINT NOT NULL DEFAULT 0; -- from when on it may sign: known long enough
ALTER TABLE signing_keys ADD COLUMN wanted_at  BIGINT NOT NULL DEFAULT 0; -- when somebody asked that it sign next
ALTER TABLE signing_keys ADD COLUMN keep_for   BIGINT NOT NULL DEFAULT 0; -- milliseconds published once retired
CREATE UNIQUE INDEX signing_keys_active ON signing_keys (env) WHERE status = 'active';

-- What verifiers must not believe any more, in one order: a cut-off (client_id,
-- generation), one token (client_id, generation, jti, expires_at), or a signing
-- key (kid). expires_at is 0 but for tokens.
-- A row goes once no token that it concerns can be alive.
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
CREATE UNIQUE INDEX revocations_by_token ON revocations (client_id, jti) WHERE jti <> '';
CREATE INDEX revocations_by_end ON revocations (expires_at, created_at);

-- The row that every revocation locks: so they are committed in their order. It
-- stays when all revocations have gone.
CREATE TABLE revocation_head (
    id  BIGINT PRIMARY KEY CHECK (id = 1),
    seq BIGINT NOT NULL
);
INSERT INTO revocation_head (id, seq) VALUES (1, 0);

-- How often each secret was used in an hour. outcome is 'issued', or the reason
-- of a refusal; secret_id is 0 where no secret was proven. Beside these,
-- 'retired' counts the uses of a secret while it was retired.
CREATE TABLE usage (
    hour       BIGINT NOT NULL, -- Unix milliseconds of its beginning
    api_key_id TEXT   NOT NULL,
    secret_id  BIGINT NOT NULL,
    outcome    TEXT   NOT NULL,
    count      BIGINT NOT NULL,
    PRIMARY KEY (api_key_id, hour, secret_id, outcome)
);
CREATE INDEX usage_by_hour ON usage (hour);

-- When and from where each secret was last used; outlives both.
CREATE TABLE last_uses (
    api_key_id TEXT   NOT NULL,
    secret_id  BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    address    TEXT   NOT NULL,
    PRIMARY KEY (api_key_id, secret_id)
);

-- What has been announced to end, so that it is announced once.
CREATE TABLE expiry_notices (
    api_key_id TEXT   NOT NULL,
    secret_id  BIGINT NOT NULL, -- 0 for the API key itself
    expires_at BIGINT NOT NULL,
    days       BIGINT NOT NULL, -- 30, 7 or 1
    PRIMARY KEY (api_key_id, secret_id, expires_at, days)
);
