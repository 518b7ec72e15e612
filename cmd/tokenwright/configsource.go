package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// scalar is a field of Config that a variable and a flag can set.
type scalar struct {
	name, help string
	kind       reflect.Type
}

func scalars() []scalar {
	var list []scalar
	for f := range reflect.TypeFor[Config]().Fields() {
		if f.Tag.Get("help") != "" {
			list = append(list, scalar{f.Tag.Get("yaml"), f.Tag.Get("help"), f.Type})
		}
	}
	return list
}

func (s scalar) variable() string { return "TOKENWRIGHT_" + strings.ToUpper(s.name) }

func (s scalar) flag() string { return strings.ReplaceAll(s.name, "_", "-") }

// set reads text into the field, as it would be read from the file.
func (c *Config) set(name, text string) error {
	t := reflect.TypeFor[Config]()
	for i := range t.NumField() {
		if t.Field(i).Tag.Get("yaml") != name {
			continue
		}
		node := yaml.Node{Kind: yaml.ScalarNode, Value: text, Style: yaml.DoubleQuotedStyle}
		field := reflect.ValueOf(c).Elem().Field(i)
		problem := errors.New("is no span of time, such as 90s or 5m") // all others are text
		switch field.Kind() {
		case reflect.Int:
			node.Style, problem = 0, errors.New("is no number")
		case reflect.Bool:
			node.Style, problem = 0, errors.New("is true or false")
		}
		if err := node.Decode(field.Addr().Interface()); err != nil {
			return problem
		}
		return nil
	}
	return errors.New("is unknown")
}

// text is the value of a field as set reads it; "" for the zero value.
func (c *Config) text(name string) string {
	for f, v := range reflect.ValueOf(*c).Fields() {
		if f.Tag.Get("yaml") == name && !v.IsZero() {
			return textOf(v.Interface())
		}
	}
	return ""
}

// textOf is a value as people write it: 5m, 90d, 600, true.
func textOf(v any) string {
	if text, ok := v.(string); ok {
		return text
	}
	text, err := yaml.Marshal(v)
	if err != nil {
		panic(err) // a number, true or false, or a span of time
	}
	short := strings.TrimSuffix(string(text), "\n")
	if whole, ok := strings.CutSuffix(short, "m0s"); ok {
		short = whole + "m"
	}
	if whole, ok := strings.CutSuffix(short, "h0m"); ok {
		short = whole + "h"
	}
	return short
}

// flagText is what a flag was given, to be read once the sources are brought
// together. It tells --help what form that has.
type flagText struct{ text, form string }

// String implements pflag.Value.
func (f *flagText) String() string { return f.text }

// Set implements pflag.Value.
func (f *flagText) Set(text string) error { f.text = text; return nil }

// Type implements pflag.Value.
func (f *flagText) Type() string { return f.form }

// forms are those of fields that are no text.
var forms = map[reflect.Type]string{
	reflect.TypeFor[int](): "number", reflect.TypeFor[bool](): "bool", reflect.TypeFor[time.Duration](): "span", reflect.TypeFor[span](): "span",
}

// configFlags adds the flags of the named fields; without names, of all that a
// server has and not every command.
func (a *app) configFlags(set *pflag.FlagSet, only ...string) {
	for _, s := range scalars() {
		wanted := slices.Contains(only, s.name)
		if len(only) == 0 {
			wanted = !slices.Contains(everyCommand, s.name) && !slices.Contains(forwardAuthOnly, s.name)
		}
		if wanted {
			set.Var(&flagText{form: cmp.Or(forms[s.kind], "string")}, s.flag(), s.help+"; "+s.variable())
			if s.kind.Kind() == reflect.Bool {
				set.Lookup(s.flag()).NoOptDefVal = "true"
			}
		}
	}
	showDefaults(set, defaultConfig())
}

// showDefaults has --help say what flags of the configuration have without them.
func showDefaults(set *pflag.FlagSet, c Config) {
	for _, s := range scalars() {
		if f := set.Lookup(s.flag()); f != nil {
			f.DefValue = c.text(s.name)
		}
	}
}

// otherDefaults gives a command defaults of its own.
func (a *app) otherDefaults(c *cobra.Command, set func(*Config)) {
	c.PreRun = func(*cobra.Command, []string) { a.defaults = set }
	shown := defaultConfig()
	set(&shown)
	showDefaults(c.Flags(), shown)
}

// loadConfig brings the sources together. All that is wrong is told at once.
func (a *app) loadConfig(flags *pflag.FlagSet) error {
	a.config = defaultConfig()
	if a.defaults != nil {
		a.defaults(&a.config)
	}
	if a.configFile == "" {
		a.configFile = a.environ["TOKENWRIGHT_CONFIG"]
	}
	a.source = source{file: a.configFile, lines: map[string]int{}, over: map[string]string{}}
	var problems []error
	if a.configFile != "" {
		unusable, err := a.readFile(a.configFile)
		if unusable {
			return err
		}
		problems = append(problems, err)
	}
	problems = append(problems, a.formerVariables())
	for _, s := range scalars() {
		problems = append(problems, a.setOver(s, flags))
	}
	problems = append(problems, a.readDatabaseURL(flags))
	a.warnOfUnknownVariables()
	problems = append(problems, a.config.complete())
	if errors.Join(problems...) != nil {
		problems = append(problems, a.config.checkServed()) // may be wrong as well
	}
	return a.source.located(errors.Join(problems...))
}

// setOver sets a field from its variable and its flag, over the file.
func (a *app) setOver(s scalar, flags *pflag.FlagSet) error {
	if text := a.environ[s.variable()]; text != "" {
		a.source.over[s.name] = s.variable()
		if err := a.config.set(s.name, text); err != nil {
			return fmt.Errorf("%s %w", s.variable(), err)
		}
	}
	if f := flags.Lookup(s.flag()); f != nil && f.Changed {
		a.source.over[s.name] = "--" + s.flag()
		if err := a.config.set(s.name, f.Value.String()); err != nil {
			return usageError{fmt.Sprintf("--%s %s", s.flag(), err)}
		}
	}
	return nil
}

func (a *app) warnOfUnknownVariables() {
	known := slices.Clone(otherVariables)
	for name := range a.config.Webhooks {
		known = append(known, webhookSecretVariable(name))
	}
	for name := range a.config.SingleSignOn {
		known = append(known, ssoSecretVariable(name))
	}
	for _, s := range scalars() {
		known = append(known, s.variable())
	}
	for _, name := range slices.Sorted(maps.Keys(a.environ)) {
		if strings.HasPrefix(name, "TOKENWRIGHT_") && !slices.Contains(known, name) {
			a.warn("the variable " + name + " is unknown" + didYouMean(name, known))
		}
	}
}

// readFile reads what it can of the file, and returns all that is wrong with it;
// unusable where nothing could be read.
func (a *app) readFile(path string) (unusable bool, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return true, fmt.Errorf("reading the configuration: %w", err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return true, fmt.Errorf("reading the configuration %s: %w", path, err)
	}
	if len(doc.Content) == 0 {
		return false, nil
	}
	r := reading{file: path, former: a.former, lines: a.source.lines}
	problems := r.members(doc.Content[0], reflect.TypeFor[Config](), "", "")
	for _, warning := range r.warnings {
		a.warn(warning)
	}
	// Environments of the file replace the default ones, they do not join them.
	var file struct{ Environments map[string]EnvironmentConfig }
	if err := doc.Decode(&file); err == nil && file.Environments != nil {
		a.config.Environments = nil
	}
	return false, errors.Join(problems, doc.Decode(&a.config))
}
