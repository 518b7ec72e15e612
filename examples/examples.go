// Package examples holds the programs and configurations that users copy, so that
// the documentation shows them as they are and as the tests run them.
package examples

import "embed"

// Files are the examples, by their path below this directory.
//
//go:embed clients/*.sh clients/*.mjs clients/*.py clients/*/main.go clients/package.json verify gateways
//go:embed merchantapi/main.go portal-link/main.go admin/curl.sh admin/main.go haproxy/haproxy.cfg
var Files embed.FS
