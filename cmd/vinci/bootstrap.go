package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vinci-go/vinci/internal/githubaccess"
)

func newBootstrap() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bootstrap",
		Short: "Prepare an AWS account for deployments out of a pipeline",
		Args:  noSubcommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newBootstrapGitHub())
	return cmd
}

func newBootstrapGitHub() *cobra.Command {
	w := &where{}
	var o githubaccess.Options
	var repo, ids, out string
	var environments []string
	cmd := &cobra.Command{
		Use:   "github --repo OWNER/REPO",
		Short: "Write the CloudFormation template that lets GitHub Actions deploy without stored keys",
		Long: `Writes a CloudFormation template: GitHub's identity provider, a role for each of the
repository's environments, which only a job in that environment can assume, and a
bucket for the last good assemblies. Deploy it once in each account and region,
after cdk bootstrap, with the credentials of an administrator:

  vinci bootstrap github --repo octo-org/shop --out github.json
  aws cloudformation deploy --stack-name shop-github --template-file github.json --capabilities CAPABILITY_IAM

Give an account only the environments that belong in it: --environment staging.
A deployment whose id is not the environment's name is named behind it:
--environment production=prod. What pull requests deploy (pr1, pr2, ...) is ` + githubaccess.PullRequests + `.

An account has one provider for GitHub: where there is one, say --existing-provider.
A repository that was made or renamed since 15 July 2026 needs --ids, for its tokens
have GitHub's numbers in them. They are printed by
  gh api repos/OWNER/REPO --jq '"\(.owner.id)/\(.id)"'`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var ok bool
			if o.Owner, o.Repo, ok = strings.Cut(repo, "/"); !ok {
				return errors.New("--repo OWNER/REPO is missing: the repository on GitHub, with its capitals")
			}
			if ids != "" {
				if o.OwnerID, o.RepoID, ok = strings.Cut(ids, "/"); !ok {
					return fmt.Errorf("--ids %q: it is OWNER_ID/REPO_ID", ids)
				}
			}
			for _, e := range environments {
				name, deployment, ok := strings.Cut(e, "=")
				if !ok {
					deployment = name
					if name == "preview" {
						deployment = githubaccess.PullRequests
					}
				}
				o.Environments = append(o.Environments, githubaccess.Environment{Name: name, Deployment: deployment})
			}
			if o.App == "" {
				app, err := w.sources(cmd)
				if err != nil {
					return fmt.Errorf("--app is not given, and the application does not say its name: %w", err)
				}
				o.App = app.name
			}
			template, err := githubaccess.Template(o)
			if err != nil {
				return err
			}
			if out != "" {
				return os.WriteFile(out, template, 0o644)
			}
			_, err = cmd.OutOrStdout().Write(template)
			return err
		},
	}
	w.dirFlag(cmd)
	cmd.Flags().StringVar(&repo, "repo", "", "`OWNER/REPO` on GitHub")
	cmd.Flags().StringVar(&o.App, "app", "", "`NAME` of the application (default: what the CDK app in --dir says)")
	cmd.Flags().StringSliceVar(&environments, "environment", []string{"preview", "staging", "production=prod"}, "`NAME[=DEPLOYMENT]` of an environment of the repository, several times for several")
	cmd.Flags().StringVar(&ids, "ids", "", "`OWNER_ID/REPO_ID`, for repositories whose tokens have them")
	cmd.Flags().BoolVar(&o.ExistingProvider, "existing-provider", false, "use the provider for GitHub that the account has")
	cmd.Flags().StringVar(&o.Qualifier, "qualifier", "", "`QUALIFIER` of cdk bootstrap (default hnb659fds)")
	cmd.Flags().StringVar(&out, "out", "", "`FILE` to write (default standard output)")
	return cmd
}
