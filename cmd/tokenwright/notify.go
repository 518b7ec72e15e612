package main

import (
	"log/slog"
	"strings"

	"github.com/coreos/go-systemd/v22/daemon"
)

// What a service manager shows of a server (systemctl status).
const (
	statusWaiting = "STATUS=Waiting for the database, which does not answer"
	statusServing = "STATUS=Serving "
)

// notify tells the service manager that has started the process, if it wants to
// know, how the process is (sd_notify(3), R-67). Only the socket of our own
// environment counts, as for every variable.
func (a *app) notify(logger *slog.Logger, states ...string) {
	if a.environ["NOTIFY_SOCKET"] == "" {
		return
	}
	if _, err := daemon.SdNotify(false, strings.Join(states, "\n")); err != nil {
		logger.Warn("the service manager could not be told how the server is", "error", err)
	}
}
