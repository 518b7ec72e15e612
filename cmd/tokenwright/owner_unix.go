//go:build unix

package main

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// checkOwner refuses to touch a database of another user: files that the
// database engine makes beside it would belong to the wrong one, and the
// server could not write any more.
func checkOwner(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return nil // whether it exists is asked later
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || int(stat.Uid) == os.Geteuid() {
		return nil
	}
	owner := strconv.Itoa(int(stat.Uid))
	if u, err := user.LookupId(owner); err == nil {
		owner = u.Username
	}
	return fmt.Errorf("the database %s belongs to the user %s; run the command as that user: sudo -u %s tokenwright …", path, owner, owner)
}
