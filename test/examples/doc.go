// Package examples runs the examples of the repository against a running server:
// what users copy does what it says.
package examples
