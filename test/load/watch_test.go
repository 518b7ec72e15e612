package load

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
)

// watched are metrics of a server that must not rise, and what they may rise by all
// the same, from the first quarter of a watch to its last, by their medians: what is at
// work by chance when it is looked at, which is much where requests come in bursts.
var watched = []struct {
	metric, name string
	slack        float64
	connected    bool // one of them is of each connection of the load, which are left out
}{
	{"go_goroutines", "goroutines", 10, true},
	{"process_open_fds", "file descriptors", 10, true},
	{"tokenwright_database_connections", "database connections", 2, false},
}

const (
	mib     = 1 << 20
	mostLog = 64 * mib // that the write-ahead log may have
	// mostMemory is what the process may grow by, in bytes: as much as a MiB an hour is in
	// the seven hours that are looked at of eight.
	mostMemory = 7 * mib

	memoryMetric = "process_resident_memory_bytes"
	// Go collects garbage when the heap is twice as large as what was alive the last time.
	nextMetric = "go_memstats_next_gc_bytes"
)

// watch samples a server, again and again.
type watch struct {
	load    *evidence.Load
	began   time.Time
	stop    context.CancelFunc
	done    sync.WaitGroup
	at      []float64 // hours since it began
	memory  []float64 // of the process, in bytes
	alive   []float64 // of its heap, when garbage was last collected, in bytes
	samples map[string][]float64
	mostLog int64
}

func startWatch(t *testing.T, s *harness.Server, l *evidence.Load, apart time.Duration) *watch {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	w := &watch{load: l, began: time.Now(), stop: cancel, samples: map[string][]float64{}}
	w.done.Go(func() {
		for ctx.Err() == nil {
			if err := w.sample(s); err != nil {
				t.Error("reading the metrics:", err)
			}
			select {
			case <-ctx.Done():
			case <-time.After(apart):
			}
		}
	})
	return w
}

func (w *watch) end() {
	w.stop()
	w.done.Wait()
}

// sample reads the metrics once, each the sum of its series.
func (w *watch) sample(s *harness.Server) error {
	sums, err := s.Metrics()
	if err != nil {
		return err
	}
	w.at = append(w.at, time.Since(w.began).Hours())
	w.memory, w.alive = append(w.memory, sums[memoryMetric]), append(w.alive, sums[nextMetric]/2)
	for _, m := range watched {
		if m.connected {
			sums[m.metric] -= float64(w.load.Connections())
		}
		w.samples[m.metric] = append(w.samples[m.metric], sums[m.metric])
	}
	if info, err := os.Stat(filepath.Join(s.Data, "tokenwright.db-wal")); err == nil {
		w.mostLog = max(w.mostLog, info.Size())
	}
	return nil
}

// into writes what was seen into a row. What memory does in an hour, minutes do not tell.
func (w *watch) into(t *testing.T, o *evidence.Row, long time.Duration) {
	t.Helper()
	end := len(w.at) - 1
	if end < 7 || w.memory[0] == 0 || w.alive[0] == 0 {
		t.Fatalf("%d samples of the server's memory, %v, of it alive %v: this run has tested nothing", len(w.at), w.memory, w.alive)
	}
	o.Tell("memory at the end", w.memory[end]/mib, "MiB")
	o.Tell("of it alive", w.alive[end]/mib, "MiB")
	grows, more := slope(w.at, w.alive)/mib, slope(w.at, w.memory)/mib*w.at[end]
	if long < 30*time.Minute {
		o.Tell("growth of what is alive, of a run too short to tell", grows, "MiB an hour")
	} else {
		o.AtMost(t, "growth of what is alive", grows, "MiB an hour", 1)
		o.AtMost(t, "growth of memory", more, "MiB", mostMemory/mib)
	}
	for _, m := range watched {
		list := w.samples[m.metric]
		n := len(list) / 4
		first, last := median(list[:n]), median(list[len(list)-n:])
		o.Tell(m.name, last, "")
		if last > first+m.slack {
			t.Errorf("%s: %s rise from %.1f to %.1f", o.What, m.name, first, last)
		}
	}
	o.AtMost(t, "largest write-ahead log", float64(w.mostLog)/mib, "MiB", mostLog/mib)
}

func median(list []float64) float64 { return slices.Sorted(slices.Values(list))[len(list)/2] }

func mean(list []float64) (sum float64) {
	for _, v := range list {
		sum += v
	}
	return sum / float64(len(list))
}

// slope is that of the line that fits best (least squares).
func slope(x, y []float64) float64 {
	mx, my := mean(x), mean(y)
	var above, below float64
	for i := range x {
		above += (x[i] - mx) * (y[i] - my)
		below += (x[i] - mx) * (x[i] - mx)
	}
	return above / below
}

// sizes is what each table of the embedded database takes, with its indexes.
func sizes(t *testing.T, in *harness.Installation) map[string]int {
	t.Helper()
	list := map[string]int{}
	for _, line := range in.Lines(t, "SELECT m.tbl_name || ' ' || sum(d.pgsize) FROM dbstat d JOIN sqlite_master m ON m.name = d.name GROUP BY m.tbl_name") {
		table, size, _ := strings.Cut(line, " ")
		n, err := strconv.Atoi(size)
		if err != nil {
			t.Fatal(err)
		}
		list[table] = n
	}
	return list
}
