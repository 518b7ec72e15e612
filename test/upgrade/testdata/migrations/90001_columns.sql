-- What a release may add: columns to tables that are in use, with values for the
-- rows that are there.

-- +goose Up
ALTER TABLE merchants ADD COLUMN planted BIGINT NOT NULL DEFAULT 0;
UPDATE merchants SET planted = version;
ALTER TABLE api_keys ADD COLUMN planted BIGINT NOT NULL DEFAULT 0;
UPDATE api_keys SET planted = version;
ALTER TABLE events ADD COLUMN planted BIGINT NOT NULL DEFAULT 0;
