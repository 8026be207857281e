package local

import (
	"context"
	"os"
	"path/filepath"

	"github.com/vinci-go/vinci/local/dynamodb"
	"github.com/vinci-go/vinci/local/gateway"
	"github.com/vinci-go/vinci/local/iam"
	"github.com/vinci-go/vinci/local/lambda"
	"github.com/vinci-go/vinci/local/sqs"
)

func (r *Runtime) startTables(ctx context.Context, p *plan) error {
	o := dynamodb.Options{
		Endpoint: r.config.DynamoDBEndpoint, Account: r.config.Account, Region: r.config.Region,
		Logger: r.logger.With("service", "dynamodb"), Now: r.config.Now,
	}
	if o.Endpoint == "" {
		o.File = filepath.Join(r.config.Data, tablesFile)
		var err error
		if o.Engine, err = r.findEngine(); err != nil {
			return err
		}
	}
	s, err := dynamodb.Start(ctx, o)
	if err != nil {
		return err
	}
	r.dynamodb = s
	return s.Apply(ctx, p.tables)
}

// findEngine looks near the assembly, near the working folder, and near this
// program, which may have been started from anywhere.
func (r *Runtime) findEngine() (string, error) {
	if r.config.Engine != "" {
		return r.config.Engine, nil
	}
	near := []string{r.config.Assembly, "."}
	if program, err := os.Executable(); err == nil {
		near = append(near, filepath.Dir(program))
	}
	for _, dir := range near {
		if dir == "" {
			continue
		}
		if path, err := dynamodb.FindEngine(dir); err == nil {
			return path, nil
		}
	}
	return dynamodb.FindEngine(".") // for its error
}

func (r *Runtime) startQueues(p *plan) error {
	s, err := sqs.New(sqs.Options{
		Dir: filepath.Join(r.config.Data, queuesFolder), Account: r.config.Account, Region: r.config.Region,
		Endpoint: r.Endpoint, Now: r.config.Now, Logger: r.logger.With("service", "sqs"),
	})
	if err != nil {
		return err
	}
	r.sqs = s
	return s.Apply(p.queues)
}

func (r *Runtime) startGateway(p *plan) {
	r.credentials = gateway.NewCredentials(gateway.CredentialsOptions{Account: r.config.Account})
	r.credentials.SetRoles(p.roles)
	r.credentials.SetTrusts(p.trusts)
	handler := gateway.New(gateway.Options{
		Services:    []gateway.Service{r.dynamodb, r.sqs, r.eventbridge},
		REST:        []gateway.RESTService{r.lambda},
		Credentials: r.credentials,
		Open:        r.config.Open,
		Region:      r.config.Region,
		Logger:      r.logger.With("service", "gateway"),
		Observer:    r.config.Observer,
		Hint:        r.hint,
		Around:      r.around(),
		Now:         r.config.Now,
	})
	r.gateway.serve(notFromPages(handler), r.fail)
	r.apis.signatures = &apiSignatures{r.credentials, r.config.Region, r.config.Now, r.logger.With("service", "httpapi")}
}

// newFunctions makes Lambda. What functions call is not there yet: Start comes when
// it is.
func (r *Runtime) newFunctions(ctx context.Context, p *plan) error {
	r.plan.Store(p) // roleKeys and addLog read it
	s, err := lambda.New(lambda.Options{
		Queues: r.chaos.Queues(r.polledQueues(queues{r.sqs})), Streams: r.chaos.Streams(r.polledStreams(streams{r.dynamodb})),
		Buses: buses{r.eventbridge}, DeadLetter: queues{r.sqs}.SendWith, Visibility: r.sqs.VisibilityTimeout,
		Allows: r.roleAllows, StartLater: true,
		Credentials: r.roleKeys, Endpoint: r.Endpoint(),
		Account: r.config.Account, Region: r.config.Region,
		Logs: r.addLog, Logger: r.logger.With("service", "lambda"),
		StateDir: filepath.Join(r.config.Data, functionsFolder), Now: r.config.Now,
	})
	if err != nil {
		return err
	}
	r.lambda = s
	r.targets.service.Store(s) // before the gateway takes events
	r.chaos.KillWith(killer(s))
	return s.Apply(ctx, p.functions, p.mappings)
}

// roleAllows judges what a role may do with a queue, a stream or another function.
// A role that the assembly does not have has no policies to ask.
func (r *Runtime) roleAllows(roleARN string, need iam.Need) *iam.Decision {
	policies, ok := r.rolePolicies(roleARN)
	if !ok {
		return nil
	}
	caller := gateway.Caller{RoleARN: roleARN, Session: "lambda", Account: r.config.Account}
	d := iam.Evaluate(policies, r.sqs.ResourcePolicy(need.Resource), iam.Principal{RoleARN: roleARN, SessionARN: caller.ARN(), Account: r.config.Account}, need)
	if d.Allowed() {
		return nil
	}
	d.Hint = r.hint(caller, d)
	return &d
}

// roleKeys are a role's credentials. Messages about denied calls name the
// function when it is the only one that has the role. A role that the assembly does
// not have, of a function that an SDK call made, has no policies to ask: its
// functions call with the owner's.
func (r *Runtime) roleKeys(roleARN string) (id, secret, token string) {
	if _, ok := r.rolePolicies(roleARN); !ok {
		k := r.credentials.Owner()
		return k.AccessKeyID, k.SecretAccessKey, k.SessionToken
	}
	session := ""
	for _, f := range r.plan.Load().functions {
		if f.RoleARN != roleARN {
			continue
		}
		if session != "" {
			session = ""
			break
		}
		session = f.Name
	}
	k := r.credentials.Issue(roleARN, session)
	return k.AccessKeyID, k.SecretAccessKey, k.SessionToken
}

func (r *Runtime) addLog(l lambda.LogLine) {
	name := l.Function
	if label, ok := r.plan.Load().labels[name]; ok {
		name = label
	}
	r.logs.add(LogLine{Time: l.Time, Function: name, RequestID: l.RequestID, Text: l.Text})
}
