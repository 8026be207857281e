package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	"github.com/spf13/cobra"

	"github.com/vinci-go/vinci/internal/awsenv"
	"github.com/vinci-go/vinci/internal/names"
	"github.com/vinci-go/vinci/local/gateway"
	"github.com/vinci-go/vinci/local/synth"
	"github.com/vinci-go/vinci/orm"
)

// defaultEndpoint is where `vinci dev` listens when nothing else is said.
const defaultEndpoint = "http://127.0.0.1:4599"

// where says which application and which of its deployments a command is about.
type where struct {
	dir        string
	deployment string
	endpoint   string
}

func (w *where) dirFlag(cmd *cobra.Command) {
	cmd.PersistentFlags().StringVar(&w.dir, "dir", ".", "folder of the CDK app (cdk.json)")
}

func (w *where) targetFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&w.deployment, "deployment", synth.Deployment, "`ID` of a deployment in the AWS account of AWS_REGION and AWS_PROFILE, or of AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN")
	cmd.Flags().StringVar(&w.endpoint, "endpoint", "", "`URL` of the endpoint to use (default for deployment \"local\": the running vinci dev of --dir, else $AWS_ENDPOINT_URL, else "+defaultEndpoint+")")
}

// target is a deployment with the way to reach it.
type target struct {
	names.Deployment
	env map[string]string // the variables by which functions and migrations find it
}

// target finds out how the deployment is reached. It calls nobody.
func (w *where) target(app *application, getenv func(string) string) (*target, error) {
	d, err := app.deployment(w.deployment)
	if err != nil {
		return nil, err
	}
	t := &target{Deployment: d, env: map[string]string{names.EnvApplication: d.App, names.EnvDeployment: d.ID}}
	for _, name := range []string{awsenv.Region, awsenv.AccessKeyID, awsenv.SecretAccessKey, awsenv.SessionToken, awsenv.EndpointURL} {
		t.env[name] = getenv(name)
	}
	if w.endpoint != "" {
		if u, err := url.Parse(w.endpoint); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			return nil, fmt.Errorf("--endpoint %q: it must be a URL such as %s", w.endpoint, defaultEndpoint)
		}
		t.env[awsenv.EndpointURL] = w.endpoint
	}
	if d.ID != synth.Deployment {
		if profile := getenv("AWS_PROFILE"); profile != "" && t.incomplete() != "" {
			if err := t.useProfile(profile); err != nil {
				return nil, err
			}
		}
		return t, t.complete()
	}
	s, err := readSession(app.dir)
	if err != nil {
		return nil, err
	}
	switch {
	case w.endpoint == "" && s != nil:
		t.env[awsenv.EndpointURL] = s.Endpoint
	case t.env[awsenv.EndpointURL] == "":
		t.env[awsenv.EndpointURL] = defaultEndpoint
	}
	if s != nil && t.env[awsenv.EndpointURL] == s.Endpoint {
		// Keys that were exported may be those of an earlier start.
		t.env[awsenv.Region], t.env[awsenv.AccessKeyID], t.env[awsenv.SecretAccessKey], t.env[awsenv.SessionToken] = s.Region, s.AccessKeyID, s.SecretAccessKey, ""
	}
	if t.env[awsenv.Region] == "" {
		t.env[awsenv.Region] = gateway.DefaultRegion
	}
	if t.env[awsenv.AccessKeyID] == "" || t.env[awsenv.SecretAccessKey] == "" {
		// Other local endpoints take any.
		t.env[awsenv.AccessKeyID], t.env[awsenv.SecretAccessKey] = "local", "local"
	}
	return t, nil
}

// incomplete is the first variable that is not set, of those without which AWS
// cannot be called.
func (t *target) incomplete() string {
	for _, name := range []string{awsenv.Region, awsenv.AccessKeyID, awsenv.SecretAccessKey} {
		if t.env[name] == "" {
			return name
		}
	}
	return ""
}

// complete checks that a deployment on AWS can be called at all.
func (t *target) complete() error {
	if name := t.incomplete(); name != "" {
		return fmt.Errorf("deployment %s is on AWS, and %s is not set: export region and credentials, or name a profile of the aws command line, for example with\n\texport AWS_REGION=eu-west-1 AWS_PROFILE=default", t.ID, name)
	}
	return nil
}

func (t *target) local() bool { return t.ID == synth.Deployment }

// String says where the deployment is.
func (t *target) String() string {
	at := "on AWS, " + t.env[awsenv.Region]
	if e := t.env[awsenv.EndpointURL]; e != "" {
		at = "at " + e
	}
	return fmt.Sprintf("deployment %s %s", t.ID, at)
}

func (t *target) getenv(name string) string { return t.env[name] }

func (t *target) config() aws.Config { return awsenv.Config(t.getenv) }

// store reads and writes the deployment's tables.
func (t *target) store() orm.Store {
	return orm.NewDynamoDB(dynamodb.NewFromConfig(t.config()), t.Table)
}

// environ is the environment of a child: this process's, with the deployment.
func (t *target) environ() []string {
	env := os.Environ()
	for _, name := range []string{names.EnvApplication, names.EnvDeployment, awsenv.Region, awsenv.AccessKeyID, awsenv.SecretAccessKey, awsenv.SessionToken, awsenv.EndpointURL} {
		env = append(env, name+"="+t.env[name]) // the last of two counts
	}
	return env
}

// describe asks DynamoDB about a table, which also shows whether anybody answers:
// it does not wait as long as other requests would.
func (t *target) describe(ctx context.Context, table string) (*types.TableDescription, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	client := dynamodb.NewFromConfig(t.config(), func(o *dynamodb.Options) { o.RetryMaxAttempts = 1 })
	out, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: aws.String(t.Table(table))})
	var absent *types.ResourceNotFoundException
	var api smithy.APIError
	switch {
	case err == nil:
		return out.Table, nil
	case errors.As(err, &absent):
		err = &orm.Error{Kind: orm.KindNoTable, Op: "describe", Table: table, Err: errors.New(t.Table(table))}
	case errors.As(err, &api) && (api.ErrorCode() == "UnrecognizedClientException" || api.ErrorCode() == "AccessDeniedException"):
		err = &orm.Error{Kind: orm.KindDenied, Op: "describe", Table: table, Err: err}
	}
	return nil, t.explain(err)
}

// explain adds to an error what can be done about it here.
func (t *target) explain(err error) error {
	var dial *net.OpError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, orm.KindNoTable) && t.local():
		return fmt.Errorf("%w: `vinci dev` does not have it: start it again, or save a source while it runs", err)
	case errors.Is(err, orm.KindNoTable):
		return fmt.Errorf("%w: deploy it first: make deploy DEPLOYMENT=%s", err, t.ID)
	case errors.As(err, &dial) && t.local():
		return fmt.Errorf("nothing answers at %s: start the local runtime with `vinci dev` (make dev), or name an --endpoint or a --deployment", t.env[awsenv.EndpointURL])
	case errors.Is(err, orm.KindDenied) && t.local():
		return fmt.Errorf("%w: run this in the folder of the running `vinci dev` (--dir), or export the keys that it prints", err)
	}
	return err
}
