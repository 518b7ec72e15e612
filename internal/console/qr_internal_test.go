package console

import (
	"fmt"
	"strings"
	"testing"

	"rsc.io/qr"
)

// C-215: the code of the secret is drawn module by module, with its margin.
func TestQRCodesAreDrawnAsTheyAre(t *testing.T) {
	const text = "otpauth://totp/Tokenwright:ada%40example.com?secret=7KIRRZTE3EE5YEZD4PYP2MN4E5PSBQ2S&issuer=Tokenwright&algorithm=SHA1&digits=6&period=30"
	made, err := newQRCode(text)
	if err != nil {
		t.Fatal(err)
	}
	size, path := made.Size, made.Path
	code, err := qr.Encode(text, qr.M)
	if err != nil || size != code.Size+8 {
		t.Fatalf("the size is %d, error %v", size, err)
	}
	drawn := map[[2]int]int{}
	for shape := range strings.SplitSeq(strings.TrimSuffix(path, "z"), "z") {
		var x, y, long, back int
		if _, err := fmt.Sscanf(shape, "M%d %dh%dv1h-%d", &x, &y, &long, &back); err != nil || long < 1 || long != back {
			t.Fatalf("the shape %s: %v", shape, err)
		}
		for i := range long {
			drawn[[2]int{x + i, y}]++
		}
	}
	for y := range size {
		for x := range size {
			want := 0
			if code.Black(x-4, y-4) {
				want = 1
			}
			if drawn[[2]int{x, y}] != want {
				t.Errorf("the module %d, %d is drawn %d times, not %d", x, y, drawn[[2]int{x, y}], want)
			}
		}
	}
	if len(path) > 16<<10 {
		t.Errorf("the path has %d bytes", len(path))
	}
}

func TestTextsThatAreTooLongHaveNoQRCode(t *testing.T) {
	if made, err := newQRCode(strings.Repeat("x", 3000)); err == nil || made != nil {
		t.Errorf("got %v and error %v", made, err)
	}
}
