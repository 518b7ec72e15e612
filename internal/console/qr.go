package console

import (
	"fmt"
	"strings"

	"rsc.io/qr"
)

// quietZone is the margin that readers need, in modules (ISO/IEC 18004 5.3.8).
const quietZone = 4

// QRPath draws the QR code of a text: a path for SVG, filled with black on
// white, in a square of size modules with the margin. The error is that the
// text is too long: more than some 2,300 bytes.
func QRPath(text string) (size int, path string, err error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return 0, "", fmt.Errorf("drawing a QR code: %w", err)
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
	return code.Size + 2*quietZone, p.String(), nil
}
