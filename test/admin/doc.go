// Package admin tests the admin API as its users meet it: by the client in Go, by
// the command line with --server, and by what the documentation says.
package admin
