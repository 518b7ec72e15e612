package console

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

var systemRoutes = []route{
	page("/system", authority.SigningKeysRead, (*Console).showSystem),
}

// stale is how old the directory of a node may be before the page says so: it is
// followed every 250 ms.
const stale = 10 * time.Second

// systemPage is how the installation is.
type systemPage struct {
	Version, Database string // of the node that answers, and what it is on
	Installation      authority.Installation
	Numbers           bool // merchants are numbers
	Environments      []environmentFacts
	Nodes             []nodeRow
	Figures           authority.Figures // of the node that answers
	Problems          []problem
}

type environmentFacts struct {
	authority.Environment
	RotatesAt time.Time // when another signing key takes over; zero for not planned
}

// nodeRow is a server at work.
type nodeRow struct {
	authority.Node
	Silent, Stale bool
}

// Age is how old its directory was when it told of itself.
func (n *nodeRow) Age() string { return n.Staleness().Round(100 * time.Millisecond).String() }

// problem is something that an operator should look at.
type problem struct {
	What, Do string
	Runbook  string // the section of /docs/runbooks; "" for none
}

func (c *Console) showSystem(v *visit) error {
	nodes, err := c.Authority.Nodes(v.Request.Context(), v.actor)
	if err != nil {
		return err
	}
	now := c.Authority.Now()
	p := systemPage{Version: c.Version, Database: c.Database, Installation: c.Authority.Installation(), Figures: c.Authority.Figures()}
	p.Numbers = p.Installation.MerchantIDs == authority.MerchantNumbers
	for i := range nodes {
		n := &nodes[i]
		p.Nodes = append(p.Nodes, nodeRow{*n, n.Silent(now), n.Staleness() > stale})
	}
	for _, env := range c.Authority.Environments() {
		facts := environmentFacts{Environment: env}
		if env.Name == authority.Platform {
			facts.Audience = c.BaseURL + "/admin" // whatever is configured, operator keys are for it alone
		}
		for i := range p.Figures.Environments {
			if f := &p.Figures.Environments[i]; f.Env == env.Name {
				facts.RotatesAt = f.RotatesAt
			}
		}
		p.Environments = append(p.Environments, facts)
	}
	p.Problems = slices.Concat(nodeProblems(p.Nodes), taskProblems(p.Figures.Tasks), signingKeyProblems(p.Figures.Environments, now))
	if c.Mail == nil {
		p.Problems = append(p.Problems, problem{"E-mail is not set up", "Nobody is told by mail of an invitation, of a secret that ends or of one that was found in public. Configure smtp.", ""})
	}
	return v.render(http.StatusOK, "system", view{Title: "System", Nav: "system", Data: &p})
}

// nodeProblems are of nodes that are silent, behind, or of several versions.
func nodeProblems(nodes []nodeRow) (list []problem) {
	var versions []string
	for i := range nodes {
		n := &nodes[i]
		switch {
		case n.Silent:
			list = append(list, problem{"Node on " + n.Host + " is silent", "It has not told of itself for a while. If it is still to run, look whether it does, and whether it reaches the database; if not, it leaves this list within a day.", "tokenwrightdown"})
			continue
		case n.Stale:
			list = append(list, problem{"Node on " + n.Host + " is behind", "It cannot follow the database, and stops issuing tokens when what it knows is too old.", "tokenwrightdirectorystale"})
		}
		if !slices.Contains(versions, n.Version) {
			versions = append(versions, n.Version)
		}
	}
	if len(versions) > 1 {
		slices.Sort(versions)
		list = append(list, problem{"Nodes run different versions", "That is well while they are being replaced one after the other, and not for longer: " + strings.Join(versions, ", ") + ".", ""})
	}
	return list
}

// taskProblems are of what the node that answers could not do the last time.
func taskProblems(tasks []authority.TaskFigures) (list []problem) {
	for _, t := range tasks {
		if t.Failing {
			list = append(list, problem{capital(t.Task) + " fails", fmt.Sprintf("This node could not do it the last time; it tries again by itself. The log has the reason. It has failed %d times since the node was started.", t.Failures), "tokenwrighttaskfailing"})
		}
	}
	return list
}

// signingKeyProblems are of environments whose next signing key is lacking or late.
func signingKeyProblems(environments []authority.EnvironmentFigures, now time.Time) (list []problem) {
	for i := range environments {
		e := &environments[i]
		if e.SigningKeys[authority.SigningKeyAnnounced] == 0 {
			list = append(list, problem{"No next signing key of " + e.Env, "Verifiers know no key that could take over. A server announces one by itself.", "tokenwrightnonextsigningkey"})
		}
		if !e.RotatesAt.IsZero() && now.Sub(e.RotatesAt) > time.Hour {
			list = append(list, problem{"The signing key of " + e.Env + " should have been rotated", "A server does it by itself when it is time.", "tokenwrightsigningkeyoverdue"})
		}
	}
	return list
}
