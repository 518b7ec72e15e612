package console

// VerifyInPieces makes c verify n events with each request.
func (c *Console) VerifyInPieces(n int) { c.verifyPiece = n }
