package observe

import (
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }
