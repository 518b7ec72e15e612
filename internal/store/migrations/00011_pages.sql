-- What pages for people need: lists that are searched and ordered, the use of
-- all, the nodes. With as many rows as there may be, none of them reads a table
-- from end to end.

-- +goose Up

CREATE INDEX api_keys_newest ON api_keys (merchant_id, env, created_at, id) WHERE status <> 'deleted';
CREATE INDEX api_keys_by_name ON api_keys (merchant_id, env, lower(name), id) WHERE status <> 'deleted';
CREATE INDEX api_keys_by_env ON api_keys (env, id) WHERE status <> 'deleted';
CREATE INDEX api_keys_by_status ON api_keys (status, id);
CREATE INDEX merchants_by_name ON merchants (lower(name), id) WHERE status <> 'deleted';
CREATE INDEX users_by_name ON users (lower(name), id) WHERE status <> 'deleted';
CREATE INDEX users_by_status ON users (status, id);
