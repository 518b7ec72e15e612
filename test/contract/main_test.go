package contract

import (
	"sync"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

type fixture struct {
	document []byte
	checker  *Checker
}

// in is the document as such, without a server.
var in = sync.OnceValue(func() fixture {
	document, err := Document("https://auth.example.com")
	if err != nil {
		panic(err)
	}
	checker, err := New(document)
	if err != nil {
		panic(err)
	}
	return fixture{document, checker}
})
