package main

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// pathOf is how people name a command: key create.
func pathOf(c *cobra.Command) string { return strings.TrimPrefix(c.CommandPath(), "tokenwright ") }

// checkUse refuses arguments and flags that a command cannot have. None is repeated: one
// may be a secret that somebody meant to pass.
func checkUse(cmd *cobra.Command, args []string) error {
	var problems, missing, all []string
	for i, name := range argumentsOf(cmd.Use) {
		bare := strings.Trim(name, "[]")
		if all = append(all, bare); i >= len(args) && bare == name {
			missing = append(missing, name)
		}
	}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if len(f.Annotations[cobra.BashCompOneRequiredFlag]) > 0 && !f.Changed {
			missing = append(missing, "--"+f.Name)
		}
	})
	switch {
	case missing != nil:
		problems = append(problems, pathOf(cmd)+" needs "+listed(missing, "and"))
	case len(args) > len(all) && all == nil:
		problems = append(problems, pathOf(cmd)+" takes no argument")
	case len(args) > len(all):
		problems = append(problems, pathOf(cmd)+" takes "+listed(all, "and")+" and nothing more")
	}
	// What a variable without a value leaves behind: without it, a command would act on
	// more than was meant.
	if slices.Contains(args, "") {
		problems = append(problems, "an argument of "+pathOf(cmd)+" is empty: has a variable no value?")
	}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		values := []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		if _, ok := f.Annotations[mayBeEmpty]; !ok && slices.Contains(values, "") {
			problems = append(problems, "--"+f.Name+" is empty: has a variable no value?")
		}
		for _, other := range f.Annotations[excludes] {
			if cmd.Flags().Changed(other) {
				problems = append(problems, "--"+f.Name+" and --"+other+" exclude each other")
			}
		}
	})
	if problems != nil {
		return usageError{strings.Join(problems, "\n  ")}
	}
	return nil
}

// argumentsOf are the arguments in the use of a command.
func argumentsOf(use string) []string {
	words := strings.Fields(use)[1:]
	if flags := slices.IndexFunc(words, func(word string) bool { return strings.HasPrefix(word, "-") }); flags >= 0 {
		words = words[:flags]
	}
	return words
}

// listed is a list in words, with last before the last one.
func listed(words []string, last string) string {
	most := len(words) - 1
	if most == 0 {
		return words[0]
	}
	return strings.Join(words[:most], ", ") + " " + last + " " + words[most]
}

// What flags are marked with.
const (
	mayBeEmpty = "mayBeEmpty" // an empty value clears something
	excludes   = "excludes"   // the flags that it does not go with
)

func mark(c *cobra.Command, flag, annotation string, values ...string) {
	if err := c.Flags().SetAnnotation(flag, annotation, values); err != nil {
		panic(err) // a flag of that name was just added
	}
}

// exclusive lets a command take one of two flags.
func exclusive(c *cobra.Command, flag, other string) {
	c.MarkFlagsMutuallyExclusive(flag, other) // for completion
	mark(c, flag, excludes, other)
}

// require marks flags that a command cannot do without.
func require(c *cobra.Command, flags ...string) {
	for _, name := range flags {
		if err := c.MarkFlagRequired(name); err != nil {
			panic(err) // a flag of that name was just added
		}
	}
}

// unknownCommand says that no command is called as args begin, without repeating them.
func unknownCommand(root *cobra.Command, args []string) error {
	problem := "there is no such command"
	if at := slices.IndexFunc(args, func(word string) bool { return !strings.HasPrefix(word, "-") }); at >= 0 {
		if like := root.SuggestionsFor(args[at]); len(like) > 0 {
			problem += "; did you mean " + listed(like, "or") + "?"
		}
	}
	return usageError{problem}
}

// flagError says what is wrong with a flag without repeating what it was given, be it as
// its name.
func flagError(cmd *cobra.Command, err error) error {
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		given := cmp.Or(unknown.GetSpecifiedShortnames(), unknown.GetSpecifiedName()) // -merchant is one that many write
		var known []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, "--"+f.Name) })
		return usageError{pathOf(cmd) + " has no such flag" + didYouMean("--"+given, known)}
	}
	if _, ok := errors.AsType[*pflag.InvalidSyntaxError](err); ok {
		return usageError{"a flag is written --name VALUE or --name=VALUE"}
	}
	if missing, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		return usageError{"--" + missing.GetFlag().Name + " needs a value"}
	}
	wrong, ok := errors.AsType[*pflag.InvalidValueError](err)
	if !ok {
		return err
	}
	problem := wrong.Unwrap().Error() // of a value of ours
	switch wrong.GetFlag().Value.Type() {
	case "int", "int64":
		problem = "is no number"
	case "bool":
		problem = "is true or false"
	}
	return usageError{"--" + wrong.GetFlag().Name + " " + problem}
}

// fromOne is a flag that is a whole number from 1; 0 where it is not given.
type fromOne int64

// String implements pflag.Value.
func (n *fromOne) String() string { return strconv.FormatInt(int64(*n), 10) }

// Set implements pflag.Value.
func (n *fromOne) Set(text string) error {
	given, err := strconv.ParseInt(text, 10, 64)
	if err != nil || given < 1 {
		return errors.New("is a whole number from 1")
	}
	*n = fromOne(given)
	return nil
}

// Type implements pflag.Value.
func (n *fromOne) Type() string { return "number" }
