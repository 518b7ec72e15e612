package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/tokenwright/tokenwright/internal/server"
)

func (a *app) configCommand() *cobra.Command {
	check := a.command("check", "Check the configuration and show what is in force", func(context.Context, []string) error {
		shown := a.config.served()
		environments, err := shown.environments()
		_, certificate := shown.certificate()
		_, webhooks := a.webhooks()
		_, providers := a.singleSignOn()
		_, mail := a.mailConfig()
		if err := a.source.located(errors.Join(err, certificate, shown.checkConfiguredExposure(secretsInClear), shown.checkIssuer(), a.checkGivenMasterKey(), webhooks, providers, mail)); err != nil {
			return err
		}
		shown.showEnvironments(environments)
		shown.Database = a.config.databaseName()
		out, err := yaml.Marshal(&shown)
		if err != nil {
			return err
		}
		if a.output != "json" {
			_, err = a.stdout.Write(out)
			return err
		}
		var plain map[string]any
		if err := yaml.Unmarshal(out, &plain); err != nil {
			return err
		}
		return a.print(plain, nil)
	})
	explained(check, `Check the configuration that a server would have with the same file, variables and
flags, and show what is in force, defaults included, as YAML or, with -o json, as
JSON. Exit code 0 means that nothing is wrong with it; else all that is wrong is told,
with lines of the file. Run that of a new release before you upgrade: it knows which
settings were renamed or removed since the last one, and what to do.

Files that hold secrets are read, and none of them is shown. Nobody is asked: no
database, no mail server, no provider of single sign-on.`,
		`tokenwright config check
tokenwright config check --config tokenwright.yaml -o json`)
	a.configFlags(check.Flags())
	a.configFlags(check.Flags(), forwardAuthOnly...)
	return group("config", "The configuration", check)
}

func (a *app) healthCommand() *cobra.Command {
	c := a.command("health", "Ask a server whether it is ready; exit code 0 if so", func(ctx context.Context, _ []string) error {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		resp, err := a.get(ctx, a.serverURL()+"/readyz")
		if err != nil {
			return fmt.Errorf("the server does not answer: %w", err)
		}
		defer func() { _ = resp.Body.Close() }()
		body, err := io.ReadAll(io.LimitReader(resp.Body, 4096))
		if err != nil {
			return fmt.Errorf("reading the answer: %w", err)
		}
		fmt.Fprintf(a.stdout, "%s\n", body)
		if resp.StatusCode != http.StatusOK {
			return errReported
		}
		return nil
	})
	explained(c, `Ask a server whether requests should come to it (GET /readyz), and print its answer.
Exit code 0 means yes; 1 means no, or no answer within 5 seconds. It is for the
health check of a container, or for a script that waits.`,
		`tokenwright health
tokenwright health --url https://auth.example.com`)
	a.configFlags(c.Flags(), "url", "listen")
	return c
}

func (a *app) versionCommand() *cobra.Command {
	c := a.command("version", "Show version and build", func(context.Context, []string) error {
		version, revision, goVersion := server.Build()
		out := map[string]string{"version": version, "revision": revision, "go": goVersion}
		return a.print(out, func(w io.Writer) {
			row(w, "tokenwright", out["version"])
			row(w, "revision", out["revision"])
			row(w, "go", out["go"])
		})
	})
	return explained(c, "", "tokenwright version -o json")
}
