package console

import "testing"

// Pages are read when they are asked for: here all of them, so that each can be.
func TestEveryPageCanBeRead(t *testing.T) {
	all, err := (&Console{}).parsePages()
	if err != nil || len(all) == 0 {
		t.Fatalf("%d pages, %v", len(all), err)
	}
	for name, page := range all {
		if page().Lookup("layout") == nil {
			t.Errorf("%s has no layout", name)
		}
	}
}
