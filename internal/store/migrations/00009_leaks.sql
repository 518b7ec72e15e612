-- Secrets that were reported as leaked, each once.

-- +goose Up
ALTER TABLE secrets ADD COLUMN leaked_at BIGINT NOT NULL DEFAULT 0; -- 0 for not reported
