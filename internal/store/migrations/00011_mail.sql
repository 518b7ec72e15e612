-- Notices by e-mail: a delivery goes to several people.

-- +goose Up

-- Who has it already, so that a further attempt goes to the others alone: IDs of
-- users, separated by spaces.
ALTER TABLE webhook_deliveries ADD COLUMN told TEXT NOT NULL DEFAULT '';
