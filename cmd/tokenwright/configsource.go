package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

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

// loadConfig brings the sources together.
func (a *app) loadConfig(flags *pflag.FlagSet) error {
	a.config = defaultConfig()
	if a.defaults != nil {
		a.defaults(&a.config)
	}
	if a.configFile == "" {
		a.configFile = a.environ["TOKENWRIGHT_CONFIG"]
	}
	if a.configFile != "" {
		if err := a.config.readFile(a.configFile); err != nil {
			return err
		}
	}
	known := slices.Clone(otherVariables)
	for name := range a.config.Webhooks {
		known = append(known, webhookSecretVariable(name))
	}
	for name := range a.config.SingleSignOn {
		known = append(known, ssoSecretVariable(name))
	}
	for _, s := range scalars() {
		known = append(known, s.variable())
		if text, ok := a.environ[s.variable()]; ok && text != "" {
			if err := a.config.set(s.name, text); err != nil {
				return fmt.Errorf("%s %w", s.variable(), err)
			}
		}
		if f := flags.Lookup(s.flag()); f != nil && f.Changed {
			if err := a.config.set(s.name, f.Value.String()); err != nil {
				return usageError{fmt.Sprintf("--%s %s", s.flag(), err)}
			}
		}
	}
	if err := a.readDatabaseURL(flags); err != nil {
		return err
	}
	for name := range a.environ {
		if strings.HasPrefix(name, "TOKENWRIGHT_") && !slices.Contains(known, name) {
			fmt.Fprintf(a.stderr, "tokenwright: warning: the variable %s is unknown%s\n", name, didYouMean(name, known))
		}
	}
	return a.config.complete()
}

func (c *Config) readFile(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading the configuration: %w", err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return fmt.Errorf("reading the configuration %s: %w", path, err)
	}
	if len(doc.Content) == 0 {
		return nil
	}
	if err := checkMembers(doc.Content[0], reflect.TypeFor[Config](), ""); err != nil {
		return fmt.Errorf("the configuration %s: %w", path, err)
	}
	// Environments of the file replace the default ones, they do not join them.
	var file struct{ Environments map[string]EnvironmentConfig }
	if err := doc.Decode(&file); err == nil && file.Environments != nil {
		c.Environments = nil
	}
	if err := doc.Decode(c); err != nil {
		return fmt.Errorf("the configuration %s: %w", path, err)
	}
	return nil
}
