package webhook

import "context"

// Step does once what Run does again and again, and waits for the answers.
func (d *Dispatcher) Step(ctx context.Context) error {
	err := d.step(ctx, ctx)
	d.waitForAll()
	return err
}

// Public is public.
var Public = public

// Pauses is how long to wait after each failed attempt.
var Pauses = pauses[:]

// InFlight is inFlight.
const InFlight = inFlight
