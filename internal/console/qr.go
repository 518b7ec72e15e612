package console

import (
	"fmt"
	"strings"

	"rsc.io/qr"
)

// quietZone is the margin that readers need, in modules (ISO/IEC 18004 5.3.8).
const quietZone = 4

// qrCode is a QR code as one path of an SVG image: black on white, in a square of
// Size modules, margin included.
type qrCode struct {
	Size int
	Path string
}

// newQRCode draws the code of a text. The error is that it is too long: more than
// some 2,300 bytes.
func newQRCode(text string) (*qrCode, error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return nil, fmt.Errorf("drawing a QR code: %w", err)
	}
	var p strings.Builder
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			run := 0 // of black modules: one shape, which has no seams
			for x+run < code.Size && code.Black(x+run, y) {
				run++
			}
			if run > 0 {
				fmt.Fprintf(&p, "M%d %dh%dv1h-%dz", x+quietZone, y+quietZone, run, run)
				x += run
			}
		}
	}
	return &qrCode{code.Size + 2*quietZone, p.String()}, nil
}
