// Package e2e tests the product from outside: the real binary, run as
// processes, and asked by the clients and libraries that people use. Package
// harness runs it, and after all tests searches what it left behind for secrets.
//
// It must not know how the product is built: only what its contract says.
package e2e
