package plain_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/internal/plain"
)

// C-198
func TestCSVHasNoFormulas(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "", "a": "a", "a=1": "a=1", "'=1": "'=1", "a-b": "a-b", "1": "1", "#": "#",
		"=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)", "=": "'=",
		"\t=1": "' =1", "\r=1": "' =1", "\n+1": "' +1", " =1": "' =1", "\u00a0@x": "'\u00a0@x", "\u202e=1": "' =1", "＝1": "'＝1", "＠x": "'＠x",
		"\tx": " x", "a\r\n=1": "a  =1", "a\x00b": "a b",
	} {
		if got := plain.Cell(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// C-198, C-462
func TestCSVKeepsEachCellInItsPlace(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	out := plain.NewCSV(&b)
	cells := []string{"a,b", `say "x"`, "=1", "two\nlines"}
	if err := out.Line(cells...); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	if want := "\"a,b\",\"say \"\"x\"\"\",'=1,two lines\r\n"; b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
	if cells[2] != "=1" {
		t.Error("the caller's cells were changed")
	}
}

type broken struct{}

var errBroken = errors.New("broken")

func (broken) Write([]byte) (int, error) { return 0, errBroken }

func TestCSVTellsThatItCouldNotBeWritten(t *testing.T) {
	t.Parallel()
	out := plain.NewCSV(broken{})
	_ = out.Line("a")
	if err := out.Close(); !errors.Is(err, errBroken) {
		t.Errorf("got error %v", err)
	}
}
