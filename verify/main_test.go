package verify_test

import (
	"testing"

	"github.com/tokenwright/tokenwright/internal/leaktest"
)

// no goroutine outlives the tests.
func TestMain(m *testing.M) { leaktest.Main(m) }
