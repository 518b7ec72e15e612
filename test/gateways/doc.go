// Package gateways runs the examples of examples/gateways: real nginx, Caddy and
// HAProxy in front of an API, with the files as users copy them, which ask a real
// tokenwright serve, and tokenwright forward-auth beside them.
//
// It must not know how the product is built: only what its contract says.
package gateways
