-- What becomes of an installation that is restored, or moved to another database.

-- +goose Up

ALTER TABLE installation ADD COLUMN min_gen BIGINT NOT NULL DEFAULT 0;      -- the lowest generation that lives in this lineage
ALTER TABLE installation ADD COLUMN lineage_from BIGINT NOT NULL DEFAULT 0; -- the last revocation that may be of an earlier one
ALTER TABLE installation ADD COLUMN place TEXT NOT NULL DEFAULT '';         -- which database of which server this is, '' where that is not known
ALTER TABLE installation ADD COLUMN moved_to TEXT NOT NULL DEFAULT '';      -- the database where it is now; '' for here
