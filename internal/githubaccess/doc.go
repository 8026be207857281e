// Package githubaccess writes the CloudFormation template with which GitHub Actions
// reach an AWS account without stored keys.
//
// GitHub signs a token for each job that asks for one (id-token: write), and the
// token says in its subject which repository and which environment the job belongs
// to. The template has the identity provider for these tokens, a role for each
// environment that only that subject may assume, and the bucket of the last good
// assemblies.
//
//	https://docs.github.com/en/actions/reference/security/oidc
//	https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html
//
// # What the roles may do
//
// A role deploys nothing by itself. It may become the three roles that `cdk bootstrap`
// has made for deployments in this account and region, which the CDK CLI does. Beyond
// that: a preview's role lists stacks, so that nothing of a closed pull request stays
// behind unseen; the others ask which alarms fire and keep the last good assembly; and
// each reads the delivery records of its own deployments, which the smoke test waits
// for. [Template] says beside each statement why it is as wide as it is.
//
// Whoever can become CDK's deployment role can change every stack that the CDK deploys
// in that account and region. Accounts are the border between environments, not roles.
package githubaccess
