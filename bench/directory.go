package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// directoryFigures is one installation: a column of the table.
type directoryFigures struct {
	Keys        int     `json:"keys"`
	Load        spread  `json:"load_s"`     // from exec to ready; all but the database is BenchmarkDirectory/load
	LoadCPU     spread  `json:"load_cpu_s"` // that the process has used until then
	Memory      float64 `json:"memory_mib"` // when ready
	Heap        float64 `json:"heap_mib"`   // after a collection
	CPU         spread  `json:"cpu_s_per_1000"`
	MemoryAfter float64 `json:"memory_after_load_mib"`
	Collections float64 `json:"collections_per_1000000"` // tokens
	Collecting  float64 `json:"collecting_cpu_share"`
	Command     spread  `json:"disable_command_ms"`
	Change      spread  `json:"disable_ms"` // from the command's start until the server refuses
}

// directoryRatios is what the two installations say together.
type directoryRatios struct {
	Small   directoryFigures `json:"small"`
	Large   directoryFigures `json:"large"`
	PerKey  float64          `json:"heap_bytes_per_key"`
	Slowing spread           `json:"large_cpu_by_small"`
}

const (
	fewKeys    = 1_000
	manyKeys   = 1_000_000
	askedKeys  = 20_000 // of them, at random, are loaded with requests
	loads      = 3      // starts
	changes    = 5      // API keys disabled
	sampleKeys = 100    // asked for a token each before anything is measured
)

// directory compares the whole product with a thousand and with a million API
// keys: start, memory, tokens, collections, and the time that a change takes.
func (b *bench) directory(ctx context.Context) (any, error) {
	var r directoryRatios
	small, err := b.populate(ctx, "small", 9120, fewKeys)
	if err != nil {
		return nil, err
	}
	large, err := b.populate(ctx, "large", 9121, manyKeys)
	if err != nil {
		return nil, err
	}
	both := []*population{small, large}
	for _, p := range both {
		defer p.stop()
		if err := p.load(ctx, b); err != nil {
			return nil, fmt.Errorf("%d keys: %w", p.Keys, err)
		}
	}
	samples, err := b.compare(ctx, []*contender{small.contender, large.contender})
	if err != nil {
		return nil, err
	}
	for _, p := range both {
		p.CPU = spreadBy(samples[p.contender.Name], (*sample).cpu)
		if err := p.collections(ctx, b.duration); err != nil {
			return nil, err
		}
		if p.MemoryAfter, err = p.contender.memory(); err != nil {
			return nil, err
		}
		if err := p.disable(ctx); err != nil {
			return nil, fmt.Errorf("%d keys: %w", p.Keys, err)
		}
	}
	r.Small, r.Large = small.directoryFigures, large.directoryFigures
	r.PerKey = (large.Heap - small.Heap) * (1 << 20) / (manyKeys - fewKeys)
	r.Slowing = ratio(samples[large.contender.Name], samples[small.contender.Name])
	b.table(fmt.Sprintf("Directory: the whole product on one core, %d rounds of %s", b.rounds, b.duration), r.rows())
	return r, nil
}

func (r *directoryRatios) rows() [][]string {
	rows := [][]string{{"", fmt.Sprintf("%d keys", r.Small.Keys), fmt.Sprintf("%d keys", r.Large.Keys), "must reach"}}
	row := func(what, format string, value func(*directoryFigures) float64, mustReach string) {
		rows = append(rows, []string{what, fmt.Sprintf(format, value(&r.Small)), fmt.Sprintf(format, value(&r.Large)), mustReach})
	}
	row("exec to ready", "%.2f s", func(f *directoryFigures) float64 { return f.Load.Median }, barLoad.beside(r.Large.Load.Median))
	row("  CPU of it", "%.2f s", func(f *directoryFigures) float64 { return f.LoadCPU.Median }, "")
	row("memory when ready", "%.0f MiB", func(f *directoryFigures) float64 { return f.Memory }, "")
	row("memory after the load", "%.0f MiB", func(f *directoryFigures) float64 { return f.MemoryAfter }, "")
	row("heap after a collection", "%.1f MiB", func(f *directoryFigures) float64 { return f.Heap }, "")
	rows = append(rows, []string{"  a key, from the difference", "", fmt.Sprintf("%.1f B", r.PerKey), barKey.beside(r.PerKey)})
	row("CPU s/1,000 tokens", "%.4f", func(f *directoryFigures) float64 { return f.CPU.Median }, "")
	rows = append(rows, []string{"  by that of few keys", "", fmt.Sprintf("%.3f (%.3f-%.3f)", r.Slowing.Median, r.Slowing.Min, r.Slowing.Max),
		barMillionKeys.beside(r.Slowing.Median)})
	row("collections in 1,000,000 tokens", "%.0f", func(f *directoryFigures) float64 { return f.Collections }, "")
	row("  share of the CPU", "%.4f", func(f *directoryFigures) float64 { return f.Collecting }, "")
	row("key disable, until refused", "%.0f ms", func(f *directoryFigures) float64 { return f.Change.Median }, "")
	row("  the command of it", "%.0f ms", func(f *directoryFigures) float64 { return f.Command.Median }, "")
	return rows
}

// population is an installation with many API keys.
type population struct {
	directoryFigures
	*installation
	contender *contender
	keys      []apiKey // in no order
}

func (p *population) stop() {
	if p.contender != nil {
		p.contender.stop()
	}
}

// populate makes an installation with so many API keys. It is not started.
func (b *bench) populate(ctx context.Context, name string, port, n int) (*population, error) {
	p := &population{installation: newInstallation(b.dir, name, b.binary("tokenwright"), port)}
	p.Keys = n
	running, err := p.serve(ctx, b.dir, serverCore)
	if err != nil {
		return nil, err
	}
	key, err := p.seed()
	running.stop()
	if err != nil {
		return nil, err
	}
	if p.keys, err = p.fill(ctx, key, n); err != nil {
		return nil, fmt.Errorf("filling the database: %w", err)
	}
	b.progress("%d API keys in a database", n)
	return p, nil
}

// load starts the server, several times, and leaves the last one running.
func (p *population) load(ctx context.Context, b *bench) error {
	var took, cpu []float64
	for range loads {
		p.stop()
		running, err := p.serve(ctx, b.dir, serverCore)
		if err != nil {
			return err
		}
		took = append(took, running.age()/1000)
		p.contender = &contender{Name: strconv.Itoa(p.Keys), process: running, connections: connections}
		used, err := running.cpuTime()
		if err != nil {
			return err
		}
		cpu = append(cpu, used.Seconds())
		b.progress("%d API keys loaded", p.Keys)
	}
	p.Load, p.LoadCPU = spreadOf(took), spreadOf(cpu)
	var err error
	if p.Memory, err = p.contender.memory(); err != nil {
		return err
	}
	state, err := p.memStats(true)
	if err != nil {
		return err
	}
	p.Heap = state["HeapAlloc"] / (1 << 20)
	return p.prepare(b)
}

// prepare sees to it that the keys are keys, and makes the load.
func (p *population) prepare(b *bench) (err error) {
	url := p.url + "/oauth/token"
	for _, key := range p.keys[:sampleKeys] {
		if _, ok := askOnce(http.DefaultClient, url, key.body()); !ok {
			return fmt.Errorf("API key %s gets no token", key.ClientID)
		}
	}
	var bodies []string
	for _, key := range p.keys[:min(askedKeys, len(p.keys))] {
		bodies = append(bodies, key.body())
	}
	p.contender.loader, err = newLoader(b.generator, url, forms(bodies...))
	return err
}

// collections loads the server once more, and looks at its collector before
// and after.
func (p *population) collections(ctx context.Context, d time.Duration) error {
	before, err := p.memStats(false)
	if err != nil {
		return err
	}
	var s sample
	if err := p.contender.measure(ctx, d, &s); err != nil {
		return err
	}
	after, err := p.memStats(false)
	if err != nil {
		return err
	}
	p.Collections = (after["NumGC"] - before["NumGC"]) / float64(s.requests) * 1e6
	p.Collecting = (p.collecting(after) - p.collecting(before)) / s.used.Seconds()
	return nil
}

// collecting is the CPU time of all collections so far, in seconds. Go tells
// it as a share of the time that all its processors, here one, had until the
// end of the last collection.
func (p *population) collecting(stats map[string]float64) float64 {
	return stats["GCCPUFraction"] * (stats["LastGC"] - float64(p.contender.begun.UnixNano())) / 1e9
}

// memStats reads runtime.MemStats of the server, after a collection if asked to.
func (p *population) memStats(collect bool) (map[string]float64, error) {
	url := fmt.Sprintf("http://127.0.0.1:%d/debug/pprof/heap?debug=1", p.port+1000)
	if collect {
		url += "&gc=1"
	}
	resp, err := http.Get(url)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	stats, err := readMemStats(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", url, err)
	}
	return stats, nil
}

// readMemStats reads the numbers in the head of a heap profile as text.
func readMemStats(text string) (map[string]float64, error) {
	stats := map[string]float64{}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " = ")
		name, ours := strings.CutPrefix(name, "# ")
		if n, err := strconv.ParseFloat(value, 64); ours && err == nil {
			stats[name] = n
		}
	}
	for _, name := range []string{"HeapAlloc", "NumGC", "LastGC", "GCCPUFraction"} {
		if _, ok := stats[name]; !ok {
			return nil, fmt.Errorf("the state of the collector has no %s", name)
		}
	}
	return stats, nil
}

// disable measures what an operator waits for: the command, and the server
// that refuses afterwards.
func (p *population) disable(ctx context.Context) error {
	var command, change []float64
	for _, key := range slices.Backward(p.keys[len(p.keys)-changes:]) {
		begun := time.Now()
		if _, err := p.cli("key", "disable", key.ClientID); err != nil {
			return err
		}
		command = append(command, time.Since(begun).Seconds()*1000)
		err := p.contender.await(ctx, func() bool {
			_, ok := askOnce(http.DefaultClient, p.url+"/oauth/token", key.body())
			return !ok
		})
		if err != nil {
			return err
		}
		change = append(change, time.Since(begun).Seconds()*1000)
	}
	p.Command, p.Change = spreadOf(command), spreadOf(change)
	return nil
}

// database is the file of the embedded database.
func (in *installation) database() string { return filepath.Join(in.data, "tokenwright.db") }
