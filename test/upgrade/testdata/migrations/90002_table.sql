-- A table that is filled from others, and indexes.

-- +goose Up
CREATE TABLE planted (
    api_key_id TEXT   PRIMARY KEY,
    env        TEXT   NOT NULL,
    events     BIGINT NOT NULL
);
INSERT INTO planted (api_key_id, env, events)
SELECT k.id, k.env, (SELECT count(*) FROM events e WHERE e.subject = k.id) FROM api_keys k;
CREATE INDEX planted_by_env ON planted (env, api_key_id);
CREATE INDEX users_planted ON users (id);
