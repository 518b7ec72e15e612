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

-- Two things at once of which each has many events: these have what both have.
CREATE INDEX events_by_merchant_kind ON events (merchant_id, kind, seq);
CREATE INDEX events_by_merchant_actor ON events (merchant_id, actor, seq);
CREATE INDEX events_by_merchant_env ON events (merchant_id, env, seq);
CREATE INDEX events_by_kind_actor ON events (kind, actor, seq);
CREATE INDEX events_by_kind_env ON events (kind, env, seq);
CREATE INDEX events_by_actor_env ON events (actor, env, seq);
