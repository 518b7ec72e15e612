// Command tokenwright is the whole product in one binary: the server, and the
// commands that manage an installation.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/tokenwright/tokenwright/internal/server"
)

func main() {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		cancel()                       // the end that loses nothing
		os.Exit(exitSignal(<-signals)) // the second signal is not asked to wait
	}()
	os.Exit(run(ctx, os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr))
}

// exitSignal is what shells show for a process that a signal has ended.
func exitSignal(s os.Signal) int {
	number, _ := s.(syscall.Signal)
	return 128 + int(number)
}

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// app is one run of the command.
type app struct {
	environ        map[string]string
	stdin          io.Reader
	stdout, stderr io.Writer

	config     Config
	defaults   func(*Config) // what the command has other defaults for, if any
	configFile string
	former     map[string]former // settings of releases before
	source     source            // of config
	output     string            // table or json
	running    *cobra.Command    // nil until flags and arguments were right, and a command began
}

// run is main without the process: it returns the exit code.
func run(ctx context.Context, args, environ []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{environ: map[string]string{}, stdin: stdin, stdout: stdout, stderr: stderr, former: formerSettings}
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		a.environ[name] = value
	}
	root := a.rootCommand()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	if _, rest, wrong := root.Find(args); wrong != nil && wrong.Error() == err.Error() {
		err = unknownCommand(root, rest)
	}
	if errors.Is(err, errReported) {
		return exitFailed
	}
	// An error may quote what a server answered, or a file holds (C-226).
	fmt.Fprintf(stderr, "tokenwright: %s\n", printableLines(a.explain(err)))
	var usage usageError
	if a.running == nil || errors.As(err, &usage) {
		fmt.Fprintln(stderr, "Run the command with --help for its use.")
		return exitUsage
	}
	return exitFailed
}

// usageError says that a command was called wrongly: exit code 2.
type usageError struct{ message string }

// Error implements error.
func (e usageError) Error() string { return e.message }

// errReported ends a command that has printed why it failed.
var errReported = errors.New("reported")

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "tokenwright",
		Short: "Access tokens for machines",
		Long: `Tokenwright gives the customers of a multi-tenant API their API keys, exchanges
an API key for a short-lived JWT access token (OAuth 2.0 client credentials), and
lets the API verify that token offline.

Begin with:
  tokenwright quickstart

Management commands act on the database of --database, also beside a running
server, which sees the change within a second; or, with --server, on a server
elsewhere, through its admin API: TOKENWRIGHT_CLIENT_ID and TOKENWRIGHT_CLIENT_SECRET
(or …_SECRET_FILE) then hold an API key with management scopes.

Exit code 0 means done; 1 failed, and standard error says why and what to do; 2 wrong
use, or a configuration that cannot be.`,
		SilenceUsage: true, SilenceErrors: true,
	}
	root.Version, _, _ = server.Build()
	root.Flags().Bool("version", false, "show the version")
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetFlagErrorFunc(flagError)
	root.PersistentFlags().StringVar(&a.configFile, "config", "", "configuration `file` (YAML); TOKENWRIGHT_CONFIG")
	a.configFlags(root.PersistentFlags(), everyCommand...)
	root.PersistentFlags().StringVarP(&a.output, "output", "o", "table", "`form` of the output: table or json; of key report csv too")
	completeOutput(root)
	root.AddGroup(&cobra.Group{ID: "serve", Title: "Serve:"}, &cobra.Group{ID: "manage", Title: "Manage:"}, &cobra.Group{ID: "other", Title: "Other:"})
	root.SetHelpCommandGroupID("other")
	root.SetCompletionCommandGroupID("other")
	add := func(group string, commands ...*cobra.Command) {
		for _, c := range commands {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	add("serve", a.quickstartCommand(), a.serveCommand(), a.forwardAuthCommand(), a.healthCommand())
	add("manage", a.merchantCommand(), a.scopeCommand(), a.keyCommand(), a.userCommand(), a.portalLinkCommand(), a.signingKeyCommand(), a.masterKeyCommand(), a.eventCommand(), a.webhookCommand(),
		a.mailCommand(), a.backupCommand(), a.restoreCommand(), a.migrateCommand())
	add("other", a.tokenCommand(), a.configCommand(), a.versionCommand())
	add("other", a.distCommands(root)...)
	describeCompletion(root)
	return root
}

// command makes a command whose flags and arguments are checked, and whose
// configuration is read, before run. Its use names the arguments: ID, [FILE] for one
// that may be left out; flags stand behind them.
func (a *app) command(use, short string, run func(ctx context.Context, args []string) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: checkUse,
		RunE: func(cmd *cobra.Command, args []string) error {
			if forms := formsOf(cmd); !slices.Contains(forms, a.output) {
				return usageError{"--output is " + listed(forms, "or")}
			}
			if err := a.loadConfig(cmd.Flags()); err != nil {
				return err
			}
			a.running = cmd
			return run(cmd.Context(), args)
		},
	}
}

// explained adds to a command what its help says beyond one line, "" for nothing,
// and examples: lines that people can run, or that begin with # and say what for.
func explained(c *cobra.Command, long, examples string) *cobra.Command {
	c.Long, c.Example = long, "  "+strings.ReplaceAll(examples, "\n", "\n  ")
	return c
}

// csvToo marks commands that print CSV as well.
const csvToo = "csv"

// formsOf are the forms in which a command prints.
func formsOf(c *cobra.Command) []string {
	forms := []string{"table", "json"}
	if c.Annotations[csvToo] != "" {
		forms = append(forms, "csv")
	}
	return forms
}

// alsoCSV lets the command be called with -o csv.
func (a *app) alsoCSV(c *cobra.Command) { c.Annotations = map[string]string{csvToo: "yes"} }

// group makes a command that only holds others.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: cobra.ArbitraryArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return usageError{pathOf(cmd) + " needs one of: " + strings.Join(names(cmd), ", ")}
	}}
	c.AddCommand(commands...)
	return c
}

func names(c *cobra.Command) []string {
	var list []string
	for _, sub := range c.Commands() {
		list = append(list, sub.Name())
	}
	return list
}
