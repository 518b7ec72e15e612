// Package timing measures what no single answer shows: that answers which must
// look alike also take alike long. Package e2e compares their bytes.
//
// What it can see is some 2 µs of a request's 40, which it states with every
// comparison. That bytes are compared in constant time is for package
// crypto/subtle to hold: nobody sees those nanoseconds over a network.
//
// It is run by make proof on a machine that has nothing else to do, for it
// judges times; make test only sees that the cases and the statistics work.
package timing
