package main

import (
	"context"
	"fmt"
	"syscall"
	"time"
)

// nodesFigures is what a token costs on one node and on two of one database.
type nodesFigures struct {
	One   spread `json:"cpu_s_per_1000_on_1"`
	Two   spread `json:"cpu_s_per_1000_on_2"` // of both nodes, with all that they do besides
	Ratio spread `json:"cpu_on_2_by_on_1"`
}

// nodes compares the CPU time of a token on one node with that on two, which take
// turns on one core. Where it is the same, two nodes with a core each issue twice as
// many: they share nothing but the database, which no token asks.
func (b *bench) nodes(ctx context.Context, p *population) (*nodesFigures, error) {
	first, err := b.node(ctx, p, p.port)
	if err != nil {
		return nil, err
	}
	defer first.stop()
	second, err := b.node(ctx, p, p.port+1)
	if err != nil {
		return nil, err
	}
	defer second.stop()
	var one, two []sample
	err = b.count(func() (keep func(), quiet bool, err error) {
		var alone, both sample
		for range max(1, int(b.duration/turn)) {
			if err := inTurn(ctx, first, second, &alone, &both); err != nil {
				return nil, false, err
			}
		}
		return func() { one, two = append(one, alone), append(two, both) }, alone.quiet() && both.quiet(), nil
	})
	if err != nil {
		return nil, err
	}
	f := &nodesFigures{spreadBy(one, (*sample).cpu), spreadBy(two, (*sample).cpu), ratio(two, one)}
	b.table(fmt.Sprintf("Nodes of one PostgreSQL, %d rounds of %s", b.rounds, b.duration), [][]string{
		{"CPU s/1,000 tokens on one node", "on two", "2/1", "(min-max)"},
		{fmt.Sprintf("%.4f", f.One.Median), fmt.Sprintf("%.4f", f.Two.Median), fmt.Sprintf("%.3f", f.Ratio.Median), fmt.Sprintf("%.3f-%.3f", f.Ratio.Min, f.Ratio.Max)},
	})
	return f, nil
}

// node starts one more node of p, asked for tokens of one API key.
func (b *bench) node(ctx context.Context, p *population, port int) (*contender, error) {
	in := *p.installation
	in.port = port
	running, err := in.exec(b.dir, serverCore)
	if err != nil {
		return nil, err
	}
	at := fmt.Sprintf("http://127.0.0.1:%d", port)
	if err = running.await(ctx, func() bool { return answers(at + "/readyz") }); err != nil {
		running.stop()
		return nil, err
	}
	return b.contend(ctx, fmt.Sprint(port), running, at+"/oauth/token", at+"/demo/oauth/jwks", p.keys[0].body())
}

// inTurn loads the first node while the second one is stopped, and then both, half of
// the time each.
func inTurn(ctx context.Context, first, second *contender, alone, both *sample) error {
	if err := second.command.Process.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	err := first.measure(ctx, turn, alone)
	if again := second.command.Process.Signal(syscall.SIGCONT); err == nil {
		err = again
	}
	if err == nil {
		err = measureBeside(ctx, first, second, turn/2, both)
	}
	if err == nil {
		err = measureBeside(ctx, second, first, turn/2, both)
	}
	return err
}

// measureBeside measures a node, and adds to it what another one has used meanwhile.
func measureBeside(ctx context.Context, asked, idle *contender, d time.Duration, s *sample) error {
	before, err := idle.cpuTime()
	if err != nil {
		return err
	}
	if err := asked.measure(ctx, d, s); err != nil {
		return err
	}
	after, err := idle.cpuTime()
	s.used += after - before
	s.others -= after - before
	return err
}
