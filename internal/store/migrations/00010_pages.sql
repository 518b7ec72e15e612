-- What pages for people need: lists that are searched and ordered, the use of
-- all, the nodes. With as many rows as there may be, none of them reads a table
-- from end to end.

-- +goose Up

CREATE INDEX api_keys_newest ON api_keys (merchant_id, env, created_at, id) WHERE status <> 'deleted';
CREATE INDEX api_keys_by_name ON api_keys (merchant_id, env, lower(name), id) WHERE status <> 'deleted';
CREATE INDEX api_keys_in_env ON api_keys (merchant_id, env, id) WHERE status <> 'deleted';
CREATE INDEX api_keys_by_env ON api_keys (env, id) WHERE status <> 'deleted';
CREATE INDEX api_keys_by_status ON api_keys (status, id);
CREATE INDEX merchants_by_name ON merchants (lower(name), id) WHERE status <> 'deleted';
CREATE INDEX users_by_name ON users (lower(name), id) WHERE status <> 'deleted';
CREATE INDEX users_by_status ON users (status, id);

-- Several things at once of which each has many events: these have what all have.
-- Expressions, so that who asks for these gets them: the columns have indexes of
-- their own, of which a database without statistics takes any.
CREATE INDEX events_by_merchant_kind ON events (coalesce(merchant_id, ''), coalesce(kind, ''), seq);
CREATE INDEX events_by_merchant_actor ON events (coalesce(merchant_id, ''), coalesce(actor, ''), seq);
CREATE INDEX events_by_merchant_env ON events (coalesce(merchant_id, ''), coalesce(env, ''), seq);
CREATE INDEX events_by_kind_actor ON events (coalesce(kind, ''), coalesce(actor, ''), seq);
CREATE INDEX events_by_kind_actor_env ON events (coalesce(kind, ''), coalesce(actor, ''), coalesce(env, ''), seq);
CREATE INDEX events_by_kind_env ON events (coalesce(kind, ''), coalesce(env, ''), seq);
CREATE INDEX events_by_actor_env ON events (coalesce(actor, ''), coalesce(env, ''), seq);

-- usage, added up by hour: of each merchant, and of all (''), of these by day
-- (UTC) as well.
CREATE TABLE usage_totals (
    merchant_id TEXT   NOT NULL,
    span        BIGINT NOT NULL, -- milliseconds: an hour, or a day
    began       BIGINT NOT NULL, -- Unix milliseconds
    env         TEXT   NOT NULL,
    outcome     TEXT   NOT NULL,
    count       BIGINT NOT NULL,
    PRIMARY KEY (merchant_id, span, began, env, outcome)
);
CREATE INDEX usage_totals_by_time ON usage_totals (began);
INSERT INTO usage_totals (merchant_id, span, began, env, outcome, count)
    SELECT coalesce(k.merchant_id, ''), 3600000, u.hour, k.env, u.outcome, sum(u.count)
    FROM usage u JOIN api_keys k ON k.id = u.api_key_id
    WHERE u.outcome NOT IN ('retired', 'limit_reached')
    GROUP BY coalesce(k.merchant_id, ''), u.hour, k.env, u.outcome;
INSERT INTO usage_totals (merchant_id, span, began, env, outcome, count)
    SELECT '', 3600000, began, env, outcome, sum(count) FROM usage_totals WHERE merchant_id <> '' GROUP BY began, env, outcome;
INSERT INTO usage_totals (merchant_id, span, began, env, outcome, count)
    SELECT merchant_id, 86400000, began / 86400000 * 86400000, env, outcome, sum(count) FROM usage_totals
    WHERE merchant_id = '' GROUP BY merchant_id, began / 86400000 * 86400000, env, outcome;

-- The servers at work, each of which writes its row again and again.
CREATE TABLE nodes (
    id         TEXT   PRIMARY KEY,
    version    TEXT   NOT NULL,
    host       TEXT   NOT NULL,
    started_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL,
    event_seq  BIGINT NOT NULL, -- of the last event in its directory
    current_at BIGINT NOT NULL  -- up to when its directory knows all
);
CREATE INDEX nodes_by_time ON nodes (seen_at);
