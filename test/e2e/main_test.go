package e2e

import (
	"testing"

	"github.com/tokenwright/tokenwright/test/contract"
	"github.com/tokenwright/tokenwright/test/harness"
)

// Beside what the tests look at, every answer that they get is as the OpenAPI
// document says (C-384).
func TestMain(m *testing.M) {
	harness.WatchClients(contract.Watch())
	harness.Main(m)
}
