package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/webhook"
)

// WebhookConfig is a receiver that is told of events.
type WebhookConfig struct {
	// URL is where messages are sent: https, or http with AllowPrivate. It is
	// shown to operators, so it is no place for a secret. Required.
	URL string `yaml:"url"`
	// Events are kinds of events, such as secret.expiring, families of them, such
	// as api_key.*, or * for all. Required.
	Events []string `yaml:"events"`
	// SecretFile holds the secret that signs messages, base64 of 24 to 64 bytes, such as
	// from "openssl rand -base64 32"; a second one, in a line of its own, while the secret is
	// replaced. The variable TOKENWRIGHT_WEBHOOK_SECRET_<NAME>, where set, goes before it:
	// of "my-hook", TOKENWRIGHT_WEBHOOK_SECRET_MY_HOOK. Default: none; one of the two must be
	// given.
	SecretFile string `yaml:"secret_file,omitempty"`
	// AllowPrivate lets the receiver be on a loopback or private address, and
	// without TLS.
	AllowPrivate bool `yaml:"allow_private"`
	// Merchants are the only ones whose events are told; those of none, such as a new
	// scope, are then left out. Default: events of all.
	Merchants []string `yaml:"merchants,omitempty"`
	// Envs are the only environments whose events are told. Default: events of all.
	Envs []string `yaml:"envs,omitempty"`
}

// webhookSecretPrefix begins the variables with secrets of webhooks.
const webhookSecretPrefix = "TOKENWRIGHT_WEBHOOK_SECRET_"

// webhookSecretVariable holds the secret of a webhook; no two have the same, for
// names have no underscore.
func webhookSecretVariable(name string) string {
	return variableOf(webhookSecretPrefix, name)
}

// checkWebhooks checks what needs no secret and no knowledge of the environments.
func (c *Config) checkWebhooks() error {
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(c.Webhooks)) {
		if !webhook.ValidName(name) {
			problems = append(problems, fmt.Errorf("webhooks: %q is not 1 to 64 characters of a-z, 0-9 and -, the first a letter or digit", name))
		} else {
			problems = append(problems, below("webhooks."+name, c.Webhooks[name].check(authority.MerchantIDKind(c.MerchantIDs))))
		}
	}
	return errors.Join(problems...)
}

func (w WebhookConfig) check(ids authority.MerchantIDKind) error {
	var problems []error
	if w.URL == "" {
		problems = append(problems, errors.New("url is missing"))
	} else if err := webhook.CheckURL(w.URL, w.AllowPrivate); err != nil {
		problems = append(problems, fmt.Errorf("url %w", err))
	}
	problems = append(problems, checkEvents(w.Events))
	if w.Merchants != nil && len(w.Merchants) == 0 || w.Envs != nil && len(w.Envs) == 0 {
		problems = append(problems, errors.New("merchants or envs is empty; leave it out where events of any are wanted"))
	}
	for _, id := range w.Merchants {
		_, err := (&authority.Installation{MerchantIDs: ids}).ParseMerchantID(id)
		if invalid, ok := errors.AsType[*authority.InvalidError](err); ok {
			problems = append(problems, fmt.Errorf("merchants: %s %s (merchant_ids is %s)", id, invalid.Reason, ids))
		}
	}
	return errors.Join(problems...)
}

// checkEvents sees to it that each pattern chooses something.
func checkEvents(patterns []string) error {
	if len(patterns) == 0 {
		return errors.New("events is missing: kinds such as secret.expiring or api_key.*, or * for all")
	}
	known := append(kindsOfEvents(), "*")
	for _, kind := range authority.EventKinds() {
		family, _, _ := strings.Cut(string(kind), ".")
		known = append(known, family+".*")
	}
	var problems []error
	for _, pattern := range patterns {
		if !slices.ContainsFunc(authority.EventKinds(), func(k authority.EventKind) bool { return webhook.Matches(pattern, k) }) {
			problems = append(problems, fmt.Errorf("events: there is no event %q%s", pattern, didYouMean(pattern, known)))
		}
	}
	return errors.Join(problems...)
}

func kindsOfEvents() []string {
	var list []string
	for _, kind := range authority.EventKinds() {
		list = append(list, string(kind))
	}
	return list
}

// checkWebhookEnvironments is for servers, which know every environment.
func (c *Config) checkWebhookEnvironments() error {
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(c.Webhooks)) {
		for _, env := range c.Webhooks[name].Envs {
			if env != authority.Platform && !hasKey(c.Environments, env) {
				problems = append(problems, fmt.Errorf("webhooks.%s.envs names %s, which is none of the environments", name, env))
			}
		}
	}
	return errors.Join(problems...)
}

// webhooks are the webhooks of the configuration with their secrets.
func (a *app) webhooks() (list []webhook.Webhook, err error) {
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(a.config.Webhooks)) {
		w := a.config.Webhooks[name].webhook(name)
		if w.Secret, err = a.webhookSecret(name); err != nil {
			problems = append(problems, fmt.Errorf("webhooks.%s: %w", name, err))
		}
		list = append(list, w)
	}
	return list, errors.Join(problems...)
}

// webhook is the webhook without its secret.
func (w WebhookConfig) webhook(name string) webhook.Webhook {
	out := webhook.Webhook{Name: name, URL: w.URL, Events: w.Events, Envs: w.Envs, AllowPrivate: w.AllowPrivate}
	for _, id := range w.Merchants {
		out.Merchants = append(out.Merchants, authority.MerchantID(id))
	}
	return out
}

// webhookSecret reads the secret of a webhook from its variable or its file.
func (a *app) webhookSecret(name string) (webhook.Secret, error) {
	variable := webhookSecretVariable(name)
	source, text, err := a.secretText(variable, "secret_file", a.config.Webhooks[name].SecretFile)
	if err != nil {
		return webhook.Secret{}, err
	}
	if source == "" {
		return webhook.Secret{}, fmt.Errorf("there is no secret; name a file with secret_file, or set %s.\n  To make one: openssl rand -base64 32", variable)
	}
	s, err := webhook.ParseSecret(text)
	if err != nil {
		return webhook.Secret{}, fmt.Errorf("the secret of %s %w", source, err)
	}
	return s, nil
}
