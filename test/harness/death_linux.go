package harness

import (
	"os/exec"
	"syscall"
)

// dieWithParent ends the process if the test binary dies before its cleanup.
func dieWithParent(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
