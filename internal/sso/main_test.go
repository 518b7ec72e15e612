package sso_test

import (
	"testing"

	"go.uber.org/goleak"
)

// no goroutine outlives the tests.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
