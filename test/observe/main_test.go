package observe

import (
	"flag"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "16"); err != nil { // they wait most of the time, for Prometheus to see something
		panic(err)
	}
	harness.Main(m)
}
