package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// commandPage writes the page of the command line.
type commandPage struct {
	strings.Builder
	mentions *regexp.Regexp // of commands, and of -o with a value
	settings []string       // flags of serve that are settings
}

// newCommandPage knows a command in a text by its name behind that of the program,
// or by two words or a hyphen.
func newCommandPage(all []*cobra.Command) *commandPage {
	p := &commandPage{}
	var names []string
	for _, c := range all[1:] {
		if pathOf(c) == "serve" {
			c.Flags().VisitAll(func(f *pflag.Flag) {
				if settingOf(f.Name) != "" {
					p.settings = append(p.settings, f.Name)
				}
			})
		}
		name := regexp.QuoteMeta(pathOf(c))
		if !strings.ContainsAny(name, " -") {
			name = "tokenwright " + name
		}
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return len(b) - len(a) }) // key secret list before key secret
	p.mentions = regexp.MustCompile(`(^|[ (])((?:tokenwright )?(?:` + strings.Join(names, "|") + `)|-o (?:json|csv))($|[ .,;:)])`)
	return p
}

// inline is running text with links to the commands and settings that it names.
func (p *commandPage) inline(text string) string {
	return inline(p.mentions.ReplaceAllString(text, `$1"$2"$3`), p.link)
}

func (p *commandPage) link(word, _ string) string {
	flag, isFlag := strings.CutPrefix(word, "--")
	path := strings.TrimPrefix(word, "tokenwright ")
	switch {
	case isFlag && settingOf(flag) != "":
		return linkTo(word, "configuration.md#"+settingOf(flag), false)
	case strings.Contains(word, "_") && settingOf(strings.ReplaceAll(word, "_", "-")) != "":
		return linkTo(word, "configuration.md#"+word, false)
	case slices.Contains(otherVariables, word):
		return linkTo(word, "configuration.md#"+anchorOf(word), false)
	case p.mentions.MatchString(word) && !strings.HasPrefix(word, "-"):
		return linkTo(path, anchorOf(path), false)
	}
	return ""
}

// settingOf is the setting that a flag sets; "" where it sets none.
func settingOf(flag string) string {
	for _, s := range scalars() {
		if s.flag() == flag {
			return s.name
		}
	}
	return ""
}

// helpText turns a help text into Markdown: what is indented is of a language.
func (p *commandPage) helpText(text, language string) {
	var prose, code []string
	flush := func() {
		if len(prose) > 0 {
			fmt.Fprintf(p, "%s\n\n", p.inline(strings.Join(prose, " ")))
		}
		if len(code) > 0 {
			fmt.Fprintf(p, "```%s\n%s\n```\n\n", language, strings.Join(code, "\n"))
		}
		prose, code = nil, nil
	}
	for _, line := range strings.Split(text, "\n") {
		shown, indented := strings.CutPrefix(strings.ReplaceAll(line, "\t", "  "), "  ")
		switch {
		case strings.TrimSpace(line) == "":
			flush()
		case indented && len(prose) > 0, !indented && len(code) > 0:
			flush()
			fallthrough
		default:
			if indented {
				code = append(code, strings.TrimRight(shown, " "))
			} else {
				prose = append(prose, line)
			}
		}
	}
	flush()
}

// section writes one command.
func (p *commandPage) section(c *cobra.Command) {
	level := "##"
	if c.Parent().HasParent() {
		level = "###"
	}
	fmt.Fprintf(p, "%s %s\n\n", level, codeSpan(pathOf(c)))
	if c.Long == "" {
		fmt.Fprintf(p, "%s\n\n", p.inline(c.Short+"."))
	} else {
		p.helpText(c.Long, "text")
	}
	if c.HasAvailableSubCommands() {
		for _, sub := range c.Commands() {
			fmt.Fprintf(p, "- %s: %s\n", linkTo(pathOf(sub), anchorOf(pathOf(sub)), false), p.inline(sub.Short))
		}
		p.WriteString("\n")
		return
	}
	use := c.UseLine()
	fmt.Fprintf(p, "```text\n%s\n```\n\n", use)
	p.flagsOf(c)
	if strings.TrimSpace(c.Example) != use {
		p.WriteString("For example:\n\n")
		p.helpText(c.Example, "sh usage")
	}
}

// flagsOf writes the flags of a command. Where it has all of serve, those are not
// repeated.
func (p *commandPage) flagsOf(c *cobra.Command) {
	var own []*pflag.Flag
	c.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden && f.Name != "help" {
			own = append(own, f)
		}
	})
	lacks := func(name string) bool { return c.Flags().Lookup(name) == nil }
	if c.Name() != "serve" && !slices.ContainsFunc(p.settings, lacks) {
		own = slices.DeleteFunc(own, func(f *pflag.Flag) bool { return slices.Contains(p.settings, f.Name) })
		p.WriteString("It has every flag of [`serve`](#serve) that is a setting, and:\n\n")
	}
	if len(own) > 0 {
		p.flagTable(own)
	}
}

var variableAtEnd = regexp.MustCompile(`; TOKENWRIGHT_[A-Z_]+$`)

func (p *commandPage) flagTable(flags []*pflag.Flag) {
	p.WriteString("| Flag | Default | What it is |\n|---|---|---|\n")
	for _, f := range flags {
		name, usage := pflag.UnquoteUsage(f)
		shown := codeSpan(strings.TrimSpace("--" + f.Name + " " + name))
		if f.Shorthand != "" {
			shown = codeSpan("-"+f.Shorthand) + ", " + shown
		}
		without := codeSpan(strings.Trim(f.DefValue, "[]"))
		if f.Value.Type() == "bool" || f.DefValue == "0" && !strings.Contains(usage, "0 ") {
			without = ""
		}
		if len(f.Annotations[cobra.BashCompOneRequiredFlag]) > 0 {
			without = "required"
		}
		usage = p.inline(variableAtEnd.ReplaceAllString(usage, ""))
		if setting := settingOf(f.Name); setting != "" && variableAtEnd.MatchString(f.Usage) {
			shown = "[" + shown + "](configuration.md#" + setting + ")"
		}
		p.WriteString(tableRow(shown, without, usage))
	}
	p.WriteString("\n")
}

// contents are all commands at a glance, in the groups of --help.
func (p *commandPage) contents(root *cobra.Command) {
	for _, g := range root.Groups() {
		fmt.Fprintf(p, "**%s**\n\n| Command | What it does |\n|---|---|\n", strings.TrimSuffix(g.Title, ":"))
		for _, c := range root.Commands() {
			if c.GroupID == g.ID && c.Name() != "help" {
				p.WriteString(tableRow(linkTo(pathOf(c), anchorOf(pathOf(c)), false), p.inline(c.Short)))
			}
		}
		p.WriteString("\n")
	}
}

func commandReference() string {
	all := commands()
	p, root := newCommandPage(all), all[0]
	p.WriteString("## All commands\n\n")
	p.contents(root)
	p.WriteString("## Flags of every command\n\n")
	var global []*pflag.Flag
	root.PersistentFlags().VisitAll(func(f *pflag.Flag) { global = append(global, f) })
	p.flagTable(global)
	for _, g := range root.Groups() {
		for _, c := range all[1:] {
			if top := strings.Fields(pathOf(c))[0]; groupOf(root, top) == g.ID {
				p.section(c)
			}
		}
	}
	return p.String()
}

func groupOf(root *cobra.Command, name string) string {
	for _, c := range root.Commands() {
		if c.Name() == name {
			return c.GroupID
		}
	}
	return ""
}

// C-491
func TestReferenceOfTheCommandLine(t *testing.T) {
	t.Parallel()
	holdPage(t, "command-line.md", commandReference())
}
