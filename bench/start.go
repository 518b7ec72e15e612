package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
)

// startFigures is one row of the comparison.
type startFigures struct {
	Name   string  `json:"name"`
	First  spread  `json:"first_token_ms"`
	Idle   spread  `json:"idle_mib"`             // after the first token
	Binary float64 `json:"binary_mib,omitempty"` // 0 where there is none
}

// starts is how often each program is started.
const starts = 7

// program is what is started, and asked for a token.
type program struct {
	name      string
	start     func() (*process, error)
	url, body string
	binary    string // "" where it is not one file
}

// start measures how long it takes from exec to the first token, with one core,
// and what is then held in RAM and lies on the disk. The database of ours
// exists, as that of the others does not: they keep everything in memory.
func (b *bench) start(ctx context.Context) (any, error) {
	ours, err := b.existing(ctx)
	if err != nil {
		return nil, err
	}
	programs := []program{*ours}
	for i, peer := range b.peers() {
		address := fmt.Sprintf("127.0.0.1:%d", 9010+i)
		p := program{name: peer.name, url: "http://" + address + "/token", body: peerBody,
			start: func() (*process, error) { return peer.start(b.dir, serverCore, address) }}
		if peer.name != nameProvider {
			p.binary = peer.command[0]
		}
		if peer.name != nameHedged { // starts as the limit does
			programs = append(programs, p)
		}
	}
	var figures []startFigures
	rows := [][]string{{"program", "first token", "(min-max)", "must reach", "idle", "must reach", "binary", "must reach"}}
	for _, p := range programs {
		f, err := p.figures(ctx)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
		b.progress("%s has started %d times", p.name, starts)
		figures = append(figures, *f)
		binary := "-"
		if f.Binary != 0 {
			binary = fmt.Sprintf("%.1f MiB", f.Binary)
		}
		row := []string{f.Name, fmt.Sprintf("%.1f ms", f.First.Median), fmt.Sprintf("%.1f-%.1f", f.First.Min, f.First.Max), "",
			fmt.Sprintf("%.1f MiB", f.Idle.Median), "", binary, ""}
		if p.name == nameOurs {
			row[3], row[5], row[7] = barStart.beside(f.First.Median), barIdle.beside(f.Idle.Median), barBinary.beside(f.Binary)
		}
		rows = append(rows, row)
	}
	b.table(fmt.Sprintf("Start: from exec to the first token, on one core, %d starts each", starts), rows)
	return figures, nil
}

// existing makes an installation with an API key, and stops its server.
func (b *bench) existing(ctx context.Context) (*program, error) {
	in := newInstallation(b.dir, "start", b.binary("tokenwright"), 9110)
	p, err := in.serve(ctx, b.dir, serverCore)
	if err != nil {
		return nil, err
	}
	defer p.stop()
	key, err := in.seed()
	return &program{
		name: nameOurs, url: in.url + "/oauth/token", body: key.body(), binary: in.binary,
		start: func() (*process, error) { return in.exec(b.dir, serverCore) },
	}, err
}

func (p *program) figures(ctx context.Context) (*startFigures, error) {
	var first, idle []float64
	for range starts {
		ms, mib, err := p.once(ctx)
		if err != nil {
			return nil, err
		}
		first, idle = append(first, ms), append(idle, mib)
	}
	f := &startFigures{Name: p.name, First: spreadOf(first), Idle: spreadOf(idle)}
	if p.binary != "" {
		info, err := os.Stat(p.binary)
		if err != nil {
			return nil, err
		}
		f.Binary = float64(info.Size()) / (1 << 20)
	}
	return f, nil
}

// once starts the program, waits for its first token, and stops it.
func (p *program) once(ctx context.Context) (ms, mib float64, err error) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // the server before has gone
	running, err := p.start()
	if err != nil {
		return 0, 0, err
	}
	defer running.stop()
	err = running.await(ctx, func() bool {
		_, ok := askOnce(client, p.url, p.body)
		ms = running.age()
		return ok
	})
	if err != nil {
		return 0, 0, err
	}
	mib, err = running.memory()
	return ms, mib, err
}
