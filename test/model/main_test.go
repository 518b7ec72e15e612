package model

import (
	"flag"
	"os"
	"testing"

	"github.com/tokenwright/tokenwright/internal/postgrestest"
)

// rounds is few where the tests run after every change.
var rounds = flag.Int("rounds", 20, "how often two nodes race; a quarter as often on SQLite, and where sessions are ended")

// judge is for a quiet machine.
var judge = flag.Bool("judge", false, "judge how long calls take")

func TestMain(m *testing.M) { os.Exit(postgrestest.Main(m)) }
