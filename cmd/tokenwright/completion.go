package main

import "github.com/spf13/cobra"

// completeOutput lets a shell offer the forms of the output.
func completeOutput(root *cobra.Command) {
	err := root.RegisterFlagCompletionFunc("output", func(c *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return formsOf(c), cobra.ShellCompDirectiveNoFileComp
	})
	if err != nil {
		panic(err) // the flag was just added
	}
}

// describeCompletion says in our words what cobra's own commands are for: scripts
// by which shells complete what somebody types.
func describeCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	c, _, err := root.Find([]string{"completion"})
	if err != nil {
		panic(err) // it was just made
	}
	c.Short = "Print a script by which a shell completes commands and flags"
	c.Long = `Print a script by which a shell completes commands and flags. Each shell has its own,
and reads it when it starts from the place that the example names.`
	examples := map[string]string{
		"bash": `tokenwright completion bash > /etc/bash_completion.d/tokenwright
# In this shell alone.
source <(tokenwright completion bash)`,
		"zsh":        `tokenwright completion zsh > "${fpath[1]}/_tokenwright"`,
		"fish":       `tokenwright completion fish > ~/.config/fish/completions/tokenwright.fish`,
		"powershell": `tokenwright completion powershell | Out-String | Invoke-Expression`,
	}
	long := map[string]string{
		"bash": `Print the script for bash. It needs the package bash-completion, which most systems
have. A new shell reads it.`,
		"zsh": `Print the script for zsh. A new shell reads it, if completion is on there: "autoload
-U compinit; compinit" in ~/.zshrc sees to it.`,
	}
	for _, shell := range c.Commands() {
		shell.Short = "Print the script for " + shell.Name()
		explained(shell, long[shell.Name()], examples[shell.Name()])
	}
}
