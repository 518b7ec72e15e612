package main

import "fmt"

// bar is what a figure of Tokenwright's must reach. Tables show it; it fails
// no run, for the same code may miss it on a busy or slow machine.
type bar struct {
	least, most float64 // one of them
	unit        string
}

// The bars of speed and size.
var (
	barTokens        = bar{least: 0.92}              // P1: CPU of the limit by own, nonces alike
	barMillionKeys   = bar{most: 1.10}               // P5: CPU per token with a million API keys by that with a thousand
	barKey           = bar{most: 160, unit: " B"}    // P5: of the heap, for an API key
	barLoad          = bar{most: 10, unit: " s"}     // P5: from exec to ready
	barStart         = bar{most: 150, unit: " ms"}   // P8: from exec to the first token
	barIdle          = bar{most: 40, unit: " MiB"}   // P8: after the first token
	barBinary        = bar{most: 40, unit: " MiB"}   // P8
	barNew           = bar{most: 1.10}               // P3: a token not seen before by the bare check of its signature
	barGolangJWT     = bar{least: 1}                 // P3: keyfunc and golang-jwt by ours
	barGoOIDC        = bar{least: 1.25}              // P3: coreos/go-oidc by ours
	barSeen          = bar{most: 1, unit: " µs"}     // P3: a token seen before
	barFresh         = bar{most: 30, unit: " ns"}    // P4: of the client SDK, a token that is fresh
	barFreshAllocs   = bar{most: 0, unit: ""}        // P4
	barHerd          = bar{most: 1}                  // P4: requests of 10,000 goroutines at the expiry of their token
	barIntrospection = bar{least: 2500, unit: " /s"} // requests, for each core
	barOtherNode     = bar{most: 1, unit: " s"}      // P6: from the answer to a revocation until another node knows, 99 of 100
	barVerifier      = bar{most: 5, unit: " s"}      // P6: until a verifier that follows the feed knows, 99 of 100
	barRestore       = bar{most: 60, unit: " s"}     // of a million API keys
	barCores         = bar{most: 1.05}               // P9: CPU per token on two cores by that on one
)

func (b bar) reachedBy(figure float64) bool {
	if b.least != 0 {
		return figure >= b.least
	}
	return figure <= b.most
}

// beside is the column of the table beside the figure.
func (b bar) beside(figure float64) string {
	sign, value := "≤", b.most
	if b.least != 0 {
		sign, value = "≥", b.least
	}
	answer := "no"
	if b.reachedBy(figure) {
		answer = "yes"
	}
	return fmt.Sprintf("%s %.4g%s: %s", sign, value, b.unit, answer)
}
