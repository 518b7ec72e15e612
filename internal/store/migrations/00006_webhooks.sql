-- Events that receivers of the operator's choice are told of.

-- +goose Up

-- How far in the events each webhook has been looked for what it is to be told.
-- One whose configuration is gone stays for a while.
CREATE TABLE webhook_cursors (
    name    TEXT   PRIMARY KEY,
    seq     BIGINT NOT NULL, -- of the last event that was looked at
    seen_at BIGINT NOT NULL  -- when it was last in use
);

-- One event for one webhook. What is sent is made of the event, each time.
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
    ended_at     BIGINT NOT NULL,
    PRIMARY KEY (webhook, seq)
);
CREATE INDEX webhook_deliveries_pending ON webhook_deliveries (webhook, next_at, seq) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_ended ON webhook_deliveries (webhook, state, ended_at);
CREATE INDEX webhook_deliveries_by_end ON webhook_deliveries (ended_at) WHERE state <> 'pending';
