package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// algorithmFigures is what a token costs with another signature.
type algorithmFigures struct {
	Name      string `json:"name"`
	CPU       spread `json:"cpu_s_per_1000"`
	OfES256   spread `json:"cpu_by_es256"`
	PerSecond spread `json:"tokens_per_s_and_core"` // of the server's CPU time: what one core issues
}

// signatures are environments of one server, by what signs their tokens.
var signatures = []struct{ env, name, settings string }{
	{"demo", "ES256", "algorithm: ES256"},
	{"eddsa", "EdDSA", "algorithm: EdDSA"},
	{"rsa", "RS256, 2048 bits", "algorithm: RS256, rsa_bits: 2048"},
	{"large", "RS256, 3072 bits", "algorithm: RS256, rsa_bits: 3072"},
}

// algorithms compares the algorithms of one server, round after round.
func (b *bench) algorithms(ctx context.Context) (any, error) {
	in := newInstallation(b.dir, "algorithms", b.binary("tokenwright"), 9150)
	config := "environments:\n"
	for _, s := range signatures {
		config += fmt.Sprintf("  %s: {%s}\n", s.env, s.settings)
	}
	file := filepath.Join(b.dir, "algorithms.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return nil, err
	}
	in.environ = []string{"TOKENWRIGHT_CONFIG=" + file}
	running, err := in.serve(ctx, b.dir, serverCore)
	if err != nil {
		return nil, err
	}
	defer running.stop()
	if _, err := in.seed(); err != nil {
		return nil, err
	}
	var contenders []*contender
	for _, s := range signatures {
		key, err := in.keyOf(s.env)
		if err != nil {
			return nil, err
		}
		l, err := newLoader(b.generator, in.url+"/"+s.env+"/oauth/token", forms(key.body()))
		if err != nil {
			return nil, err
		}
		contenders = append(contenders, &contender{s.name, running, l, connections})
	}
	samples, err := b.compare(ctx, contenders)
	if err != nil {
		return nil, err
	}
	var figures []algorithmFigures
	rows := [][]string{{"algorithm", "CPU s/1,000", "by ES256", "(min-max)", "tokens/s for each core"}}
	for _, c := range contenders {
		of := samples[c.Name]
		f := algorithmFigures{c.Name, spreadBy(of, (*sample).cpu), ratio(of, samples[contenders[0].Name]),
			spreadBy(of, func(s *sample) float64 { return 1000 / s.cpu() })}
		figures = append(figures, f)
		rows = append(rows, []string{f.Name, fmt.Sprintf("%.4f", f.CPU.Median), fmt.Sprintf("%.2f", f.OfES256.Median),
			fmt.Sprintf("%.2f-%.2f", f.OfES256.Min, f.OfES256.Max), fmt.Sprintf("%.0f", f.PerSecond.Median)})
	}
	b.table(fmt.Sprintf("Algorithms on one core, %d rounds of %s", b.rounds, b.duration), rows)
	return figures, nil
}
