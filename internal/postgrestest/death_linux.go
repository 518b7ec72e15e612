package postgrestest

import "syscall"

// dieWithParent ends the server at once if the test binary dies before it.
func dieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT} }
