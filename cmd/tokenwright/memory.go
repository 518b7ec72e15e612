package main

import (
	"io/fs"
	"math"
	"os"
	"path"
	"runtime/debug"
	"strconv"
	"strings"
)

// limitMemory has the garbage collector see to it that the process stays within what
// its control group gives it, as far as that is possible: left alone it lets the memory
// grow to twice what is in use, and the kernel ends the process. Whoever sets GOMEMLIMIT
// knows better.
func (a *app) limitMemory() {
	if a.environ["GOMEMLIMIT"] != "" {
		return
	}
	if limit := groupMemory(os.DirFS("/")); limit < math.MaxInt64 {
		// The other third is for what the collector does not know of: the program, the
		// pages of the embedded database, connections in the kernel.
		debug.SetMemoryLimit(limit / 3 * 2)
	}
}

// groupMemory is how many bytes the control groups of this process let it have, of
// version 1 and 2 (cgroups(7)); math.MaxInt64 where none has a limit, or there is none.
func groupMemory(root fs.FS) int64 {
	least := int64(math.MaxInt64)
	groups, _ := fs.ReadFile(root, "proc/self/cgroup") // not on this system
	for line := range strings.Lines(string(groups)) {
		_, line, _ = strings.Cut(strings.TrimSpace(line), ":")
		controllers, group, _ := strings.Cut(line, ":")
		var mount, file string
		switch {
		case controllers == "":
			mount, file = "sys/fs/cgroup", "memory.max"
		case strings.Contains(","+controllers+",", ",memory,"):
			mount, file = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		default:
			continue
		}
		// What a group may have, those within it may have together. In a container the
		// path may be that of the host, and the mount the container's own group.
		for at := path.Join("/", group); ; at = path.Dir(at) {
			text, _ := fs.ReadFile(root, path.Join(mount, at, file))
			// "max" is none; so is what version 1 says then, which is more than there is
			if limit, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && limit > 0 && limit < 1<<60 {
				least = min(least, limit)
			}
			if at == "/" {
				break
			}
		}
	}
	return least
}
