package model

import (
	"os"
	"testing"

	"github.com/tokenwright/tokenwright/internal/postgrestest"
	"github.com/tokenwright/tokenwright/test/evidence"
)

// rounds is how often two nodes race; a quarter as often on SQLite, and where
// sessions are ended.
func rounds() int { return evidence.Choose(20, 1000) }

func TestMain(m *testing.M) { os.Exit(postgrestest.Main(m)) }
