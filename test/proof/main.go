// Proof lets the worst happen to the product, as often, as long and as much as its rules
// say, keeps what that has shown in results, and writes the table of it into the
// documentation.
//
// A case is a rule of docs/rules.md; its tests are those whose comments name it. What a
// test has to show besides passing are rows (package evidence).
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

const usage = `Usage: go run ./proof [-time part] [-list] [-table] [rule ...]

Proves rules of docs/rules.md, such as R-11, by the tests that name them: each that
begins with R-, and those whose tests say what they have measured, where none is given.
A whole run takes many hours, and root. Results are kept in proof/results, and told on the
documentation's page of proofs.

`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "proof:", err)
		}
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("proof", flag.ContinueOnError)
	part := flags.Float64("time", 1, "the `part` of each rule's time that loads last, told in the table")
	list := flags.Bool("list", false, "only list the tests of each rule")
	table := flags.Bool("table", false, "only write the table anew, of the results that are kept")
	flags.Usage = func() { fmt.Fprint(flags.Output(), usage); flags.PrintDefaults() }
	if err := flags.Parse(args); err != nil {
		return err
	}
	root, err := filepath.Abs("..")
	if err != nil {
		return err
	}
	r := repository{root}
	cases, err := r.cases()
	if err != nil {
		return err
	}
	if cases, err = chosen(cases, flags.Args()); err != nil {
		return err
	}
	if *list {
		for _, c := range cases {
			fmt.Fprintln(out, c.rule)
			for _, t := range c.tests {
				fmt.Fprintln(out, "  ", t)
			}
		}
		return nil
	}
	if !*table {
		err = r.prove(ctx, cases, *part, out)
	}
	return errors.Join(err, r.writePage(), r.show(cases, out))
}

// chosen are the cases of the rules that are asked for: where none is, all that are
// proved by more than passing.
func chosen(all []provable, rules []string) ([]provable, error) {
	var list []provable
	for _, rule := range rules {
		at := slices.IndexFunc(all, func(c provable) bool { return c.rule == rule })
		switch {
		case at < 0:
			return nil, fmt.Errorf("docs/rules.md has no rule %s", rule)
		case len(all[at].tests) == 0:
			return nil, fmt.Errorf("no test names %s", rule)
		}
		list = append(list, all[at])
	}
	if len(rules) > 0 {
		return list, nil
	}
	for _, c := range all {
		if strings.HasPrefix(c.rule, "R-") || slices.Contains(measured, c.rule) {
			list = append(list, c)
		}
	}
	return list, nil
}

// measured are the rules besides R- whose tests have rows.
var measured = []string{"C-037", "C-038", "C-211", "C-251", "P7"}
