-- One more, so that a migration is also cut off between two that are done.

-- +goose Up
ALTER TABLE secrets ADD COLUMN planted BIGINT NOT NULL DEFAULT 0;
UPDATE secrets SET planted = created_at;
ALTER TABLE signing_keys ADD COLUMN planted BIGINT NOT NULL DEFAULT 0;
ALTER TABLE environments ADD COLUMN planted BIGINT NOT NULL DEFAULT 0;
