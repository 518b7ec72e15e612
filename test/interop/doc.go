// Package interop holds the product against the libraries that people already
// use: clients get a token from a running server, verifiers accept and refuse
// tokens by the key set that it publishes. Nothing is adapted to it. What the page
// works-with of the documentation says of them is what ran here.
//
// A library has a script in clients/ or verifiers/ that reads as an example of
// its use. All scripts of a language share protocol.*: a job comes as JSON on
// standard input, the result goes as JSON to standard output.
package interop
