package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/jose"
)

// EnvironmentConfig is the configuration of one environment; an empty member
// has its default. As in Config, the comments are the manual.
type EnvironmentConfig struct {
	// Issuer is the claim iss of the environment's access tokens, and where its
	// endpoints are: an origin of its own, such as https://demo.example.com, whose host
	// serves nothing else. Fixed at first start. Default: <url>/<name>.
	Issuer string `yaml:"issuer"`
	// Audience is the claim aud of access tokens for the environment's API, which
	// verifiers compare to the letter. Default: <issuer>/api.
	Audience string `yaml:"audience"`
	// Algorithm signs the access tokens: ES256, RS256, PS256 or EdDSA. Take another than
	// the default only for verifiers that cannot read it. Fixed at first start. Default:
	// ES256.
	Algorithm string `yaml:"algorithm"`
	// RSABits is the size of signing keys for RS256 and PS256, from the next one on:
	// 2048 or 3072. Default: 2048.
	RSABits int `yaml:"rsa_bits"`
	// TokenLifetime is how long access tokens live, never past the end of their API key
	// or secret: whole seconds from 1s to 24h. Default: 1h.
	TokenLifetime time.Duration `yaml:"token_lifetime"`
	// MaxSecretAge is how long after its creation a secret works at most, such as 90d:
	// at least 1h, or "never". It holds for the secrets there are as well. Default: never.
	MaxSecretAge span `yaml:"max_secret_age"`
}

// environments returns the environments in the order of names, and platform.
func (c *Config) environments() ([]authority.Environment, error) {
	list, err := c.ownEnvironments()
	if err == nil {
		err = checkHosts(list, c.URL)
	}
	if err != nil {
		return nil, err
	}
	platform, err := EnvironmentConfig{}.environment(authority.Platform, c.URL)
	return append(list, platform), err
}

// ownEnvironments returns those of the configuration, wherever their issuers are.
func (c *Config) ownEnvironments() ([]authority.Environment, error) {
	var list []authority.Environment
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(c.Environments)) {
		env, err := c.Environments[name].environment(name, c.URL)
		list, problems = append(list, env), append(problems, err, env.Validate())
	}
	problems = append(problems, c.checkPolicies(), c.checkWebhookEnvironments())
	return list, errors.Join(problems...)
}

// showEnvironments writes what is in force into c, where the file left it out. It
// makes a map of its own: the one of c may be another's, too.
func (c *Config) showEnvironments(list []authority.Environment) {
	shown := map[string]EnvironmentConfig{}
	for i := range list {
		env := &list[i]
		if e, ok := c.Environments[env.Name]; ok { // platform is none of the file's
			e.Issuer, e.Audience, e.Algorithm, e.TokenLifetime = env.Issuer, env.Audience, string(env.Algorithm), env.TokenLifetime
			e.RSABits = cmp.Or(env.RSABits, 2048)
			shown[env.Name] = e
		}
	}
	c.Environments = shown
}

// checkHosts sees to it that an issuer is <url>/<name>, or an origin whose host
// has nothing else: requests are told apart by host, then by path.
func checkHosts(list []authority.Environment, base string) error {
	taken := map[string]string{authority.HostOf(base): "url"}
	for i := range list {
		name, issuer := list[i].Name, list[i].Issuer
		if issuer == base+"/"+name {
			continue
		}
		if u, err := url.Parse(issuer); err != nil || u.Path != "" {
			return fmt.Errorf("environments.%s.issuer is an origin of its own, such as https://%s.example.com, or left out", name, name)
		}
		if other, ok := taken[authority.HostOf(issuer)]; ok {
			return fmt.Errorf("environments.%s.issuer has the host of %s; an issuer of its own needs a host of its own", name, other)
		}
		taken[authority.HostOf(issuer)] = "environments." + name + ".issuer"
	}
	return nil
}

func (e EnvironmentConfig) environment(name, base string) (_ authority.Environment, err error) {
	env := authority.Environment{
		Name: name, Issuer: e.Issuer, Audience: e.Audience, Algorithm: jose.ES256, RSABits: e.RSABits, TokenLifetime: e.TokenLifetime,
		MaxSecretAge: time.Duration(e.MaxSecretAge),
	}
	if env.Issuer == "" {
		env.Issuer = base + "/" + name
	}
	if env.Audience == "" {
		env.Audience = env.Issuer + "/api"
	}
	if env.TokenLifetime == 0 {
		env.TokenLifetime = time.Hour
	}
	if e.RSABits != 0 && e.RSABits != 2048 && e.RSABits != 3072 {
		err = fmt.Errorf("environments.%s.rsa_bits is 2048 or 3072", name)
	}
	if e.Algorithm != "" {
		alg, unknown := jose.ParseAlgorithm(e.Algorithm)
		if unknown != nil {
			err = errors.Join(err, fmt.Errorf("environments.%s.algorithm is ES256, RS256, PS256 or EdDSA", name))
		}
		env.Algorithm = alg
	}
	return env, err
}
