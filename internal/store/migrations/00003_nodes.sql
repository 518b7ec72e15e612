-- What several nodes on one database need.

-- +goose Up

-- The oldest release that may work on this schema, as the version of the schema
-- that it knows. A release adds to the schema of the one before and leaves that
-- version here; what nobody uses any more goes with the release after.
CREATE TABLE schema_window (
    id     BIGINT PRIMARY KEY CHECK (id = 1),
    oldest BIGINT NOT NULL
);
INSERT INTO schema_window (id, oldest) VALUES (1, 3);

-- Nodes ask for them at every change.
CREATE INDEX merchants_suspended ON merchants (id) WHERE status = 'suspended';
