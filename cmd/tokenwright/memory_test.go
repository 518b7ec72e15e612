package main

import (
	"math"
	"testing"
	"testing/fstest"
)

// a server knows what memory its control group gives it, whatever the version of
// control groups and however deep it stands.
func TestTheMemoryOfTheControlGroupIsKnown(t *testing.T) {
	const none = math.MaxInt64
	for name, c := range map[string]struct {
		files map[string]string
		want  int64
	}{
		"no control groups": {nil, none},
		"no limit": {map[string]string{
			"proc/self/cgroup": "0::/system.slice/tokenwright.service\n", "sys/fs/cgroup/system.slice/tokenwright.service/memory.max": "max\n"}, none},
		"version 2": {map[string]string{
			"proc/self/cgroup": "0::/system.slice/tokenwright.service\n", "sys/fs/cgroup/system.slice/tokenwright.service/memory.max": "536870912\n"}, 512 << 20},
		"version 2, further up": {map[string]string{
			"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/memory.max": "1000\n", "sys/fs/cgroup/a/b/memory.max": "2000\n"}, 1000},
		"version 2, a namespace": {map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "1000\n"}, 1000},
		"version 1": {map[string]string{
			"proc/self/cgroup": "9:name=systemd:/\n4:memory:/cage\n0::/\n", "sys/fs/cgroup/memory/cage/memory.limit_in_bytes": "1000\n"}, 1000},
		"version 1, with another controller": {map[string]string{
			"proc/self/cgroup": "4:cpu,memory:/cage\n", "sys/fs/cgroup/memory/cage/memory.limit_in_bytes": "1000\n"}, 1000},
		"version 1, no limit": {map[string]string{
			"proc/self/cgroup": "4:memory:/cage\n", "sys/fs/cgroup/memory/cage/memory.limit_in_bytes": "9223372036854771712\n"}, none},
		"version 1, a container that sees the path of its host": {map[string]string{
			"proc/self/cgroup": "4:memory:/docker/0123\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "1000\n"}, 1000},
		"another controller": {map[string]string{
			"proc/self/cgroup": "4:cpu:/cage\n", "sys/fs/cgroup/memory/cage/memory.limit_in_bytes": "1000\n"}, none},
	} {
		t.Run(name, func(t *testing.T) {
			root := fstest.MapFS{}
			for file, text := range c.files {
				root[file] = &fstest.MapFile{Data: []byte(text)}
			}
			if got := groupMemory(root); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
}
