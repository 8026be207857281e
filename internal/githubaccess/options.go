package githubaccess

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/vinci-go/vinci/internal/names"
)

// Options say for whom the template is.
type Options struct {
	App          string        // the application's name
	Owner, Repo  string        // of the repository, written as GitHub writes them
	Environments []Environment // at least one

	// OwnerID and RepoID are GitHub's numbers of both. Repositories that were made or
	// renamed from 15 July 2026 on have them in their tokens' subject, others when they
	// were asked to. Both or none.
	OwnerID, RepoID string

	// ExistingProvider uses the provider that the account has already. It can have
	// only one for GitHub.
	ExistingProvider bool

	// Qualifier is that of `cdk bootstrap`; empty: the CDK's own, hnb659fds.
	Qualifier string
}

// Environment is one of the repository's environments on GitHub, with the deployments
// that its jobs make.
type Environment struct {
	Name       string
	Deployment string // a deployment id, or PullRequests
}

// PullRequests stands for the deployments pr1, pr2 and so on.
const PullRequests = "pr*"

const defaultQualifier = "hnb659fds"

var (
	ownerPattern       = regexp.MustCompile(`^[A-Za-z0-9](-?[A-Za-z0-9]){0,38}$`)
	repoPattern        = regexp.MustCompile(`^[A-Za-z0-9._-]{1,100}$`)
	numberPattern      = regexp.MustCompile(`^[1-9][0-9]{0,18}$`)
	environmentPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$`)
	qualifierPattern   = regexp.MustCompile(`^[a-z0-9]{1,10}$`)
	previewPattern     = regexp.MustCompile(`^pr[0-9]+$`)
)

// Check reports everything that is wrong with the options.
func (o Options) Check() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if _, err := names.New(o.App, "x"); err != nil {
		errs = append(errs, err)
	}
	if !ownerPattern.MatchString(o.Owner) || !repoPattern.MatchString(o.Repo) {
		bad("repository %q: it is OWNER/REPO, as in the address on GitHub, with its capitals", o.Owner+"/"+o.Repo)
	}
	if (o.OwnerID == "") != (o.RepoID == "") || o.OwnerID != "" && (!numberPattern.MatchString(o.OwnerID) || !numberPattern.MatchString(o.RepoID)) {
		bad("ids %q: they are OWNER_ID/REPO_ID, two numbers: gh api repos/%s/%s --jq '\"\\(.owner.id)/\\(.id)\"'", o.OwnerID+"/"+o.RepoID, o.Owner, o.Repo)
	}
	if o.Qualifier != "" && !qualifierPattern.MatchString(o.Qualifier) {
		bad("qualifier %q: it is up to ten lower-case letters and digits", o.Qualifier)
	}
	if len(o.Environments) == 0 {
		bad("no environment is named")
	}
	var seen, ids []string
	for _, e := range o.Environments {
		if !environmentPattern.MatchString(e.Name) {
			bad("environment %q: allowed is %s", e.Name, environmentPattern)
		}
		if id := logicalID(e.Name); slices.Contains(ids, id) {
			bad("environment %q: another one differs from it by capitals, hyphens or underscores only", e.Name)
		} else {
			ids = append(ids, id)
		}
		if slices.Contains(seen, e.Deployment) {
			bad("deployment %q: two environments deploy it", e.Deployment)
		}
		seen = append(seen, e.Deployment)
		if e.Deployment == PullRequests {
			continue
		}
		if _, err := names.New("x", e.Deployment); err != nil {
			bad("environment %s: %w", e.Name, err)
		} else if previewPattern.MatchString(e.Deployment) {
			bad("environment %s: deployment %s is one of a pull request's: say %s for all of them", e.Name, e.Deployment, PullRequests)
		}
	}
	return errors.Join(errs...)
}

// Subject is what the token of a job in the environment says of itself.
//
// https://docs.github.com/en/actions/reference/security/oidc
func (o Options) Subject(environment string) string {
	owner, repo := o.Owner, o.Repo
	if o.OwnerID != "" {
		owner, repo = owner+"@"+o.OwnerID, repo+"@"+o.RepoID
	}
	return "repo:" + owner + "/" + repo + ":environment:" + environment
}

// logicalID makes a part of a logical id, which has letters and digits only.
func logicalID(environment string) string {
	var b strings.Builder
	for part := range strings.FieldsFuncSeq(strings.ToLower(environment), func(r rune) bool { return r == '-' || r == '_' }) {
		b.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	return b.String()
}
