// Package sdk holds the libraries that users import against the real binary:
// what the client SDK gets from it, through rotations, refusals and restarts, and
// what an API that follows it makes of those tokens.
//
// It must not know more of the server than the libraries do.
package sdk
