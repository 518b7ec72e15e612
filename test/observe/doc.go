// Package observe holds what operators see of the product against what they are
// told: metrics, alerts, runbooks, dashboard and log, with the real binary and
// the real Prometheus.
package observe
