package lambda

import (
	"cmp"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"time"

	"github.com/vinci-go/vinci/local/gateway"
)

// timeFormat is how Lambda writes when a function was modified.
const timeFormat = "2006-01-02T15:04:05.000-0700"

// Defaults and limits of a function's settings.
//
// https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
const (
	defaultTimeout  = 3 // s
	defaultMemory   = 128
	maxFunctionPage = 50
	maxDescription  = 256
)

var rolePattern = regexp.MustCompile(`^arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+$`)

type environmentIO struct {
	Variables map[string]string `json:"Variables"`
}

type deadLetterIO struct {
	TargetArn string `json:"TargetArn"`
}

// settings are the members that CreateFunction and UpdateFunctionConfiguration share.
// What is nil was not in the request.
type settings struct {
	Role             *string
	Handler          *string
	Description      *string
	Timeout          *int
	MemorySize       *int
	Runtime          *string
	Environment      *environmentIO
	DeadLetterConfig *deadLetterIO
	LoggingConfig    *struct{ LogFormat, LogGroup string }
	EphemeralStorage *struct{ Size int }
	TracingConfig    *struct{ Mode string }
	KMSKeyArn        string

	// Not served: refused when they say something.
	Layers            []string
	VpcConfig         *struct{ SubnetIds, SecurityGroupIds []string }
	FileSystemConfigs []struct{ Arn string }
	ImageConfig       *struct{ Command, EntryPoint []string }
	SnapStart         *struct{ ApplyOn string }
}

// apply puts the settings into a configuration, with AWS's refusals.
func (s *Service) applySettings(in *settings, c *FunctionConfig) error {
	switch {
	case len(in.Layers) > 0:
		return notServed("Layers")
	case in.VpcConfig != nil && len(in.VpcConfig.SubnetIds)+len(in.VpcConfig.SecurityGroupIds) > 0:
		return notServed("VpcConfig")
	case len(in.FileSystemConfigs) > 0:
		return notServed("FileSystemConfigs")
	case in.ImageConfig != nil:
		return notServed("ImageConfig")
	case in.SnapStart != nil && in.SnapStart.ApplyOn != "" && in.SnapStart.ApplyOn != "None":
		return notServed("SnapStart")
	case in.LoggingConfig != nil && in.LoggingConfig.LogFormat == "JSON":
		return notServed("LogFormat JSON")
	}
	if in.Role != nil {
		if !rolePattern.MatchString(*in.Role) {
			return invalidShape("role", *in.Role, "Member must satisfy regular expression pattern: arn:(aws[a-zA-Z-]*)?:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+")
		}
		c.RoleARN = *in.Role
	}
	if in.Handler != nil {
		c.Handler = *in.Handler
	}
	if in.Description != nil {
		if len(*in.Description) > maxDescription {
			return invalidShape("description", *in.Description, "Member must have length less than or equal to 256")
		}
		c.Description = *in.Description
	}
	if in.Timeout != nil {
		if err := outOfRange("timeout", *in.Timeout, 1, int(MaxTimeout/time.Second)); err != nil {
			return err
		}
		c.Timeout = time.Duration(*in.Timeout) * time.Second
	}
	if in.MemorySize != nil {
		if err := outOfRange("memorySize", *in.MemorySize, 128, 10240); err != nil {
			return err
		}
		c.MemoryMB = *in.MemorySize
	}
	if in.Runtime != nil {
		if *in.Runtime != "provided.al2023" && *in.Runtime != "provided.al2" {
			return badParameter("Value %s at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [provided.al2023, provided.al2] (the local runtime serves functions that bring their own runtime)", *in.Runtime)
		}
		c.Runtime = *in.Runtime
	}
	if in.EphemeralStorage != nil {
		if err := outOfRange("ephemeralStorage.size", in.EphemeralStorage.Size, 512, 10240); err != nil {
			return err
		}
	}
	if in.LoggingConfig != nil && in.LoggingConfig.LogGroup != "" {
		c.LogGroup = in.LoggingConfig.LogGroup
	}
	if in.DeadLetterConfig != nil {
		if err := s.checkDeadLetter(c.RoleARN, in.DeadLetterConfig.TargetArn); err != nil {
			return err
		}
		c.DeadLetterARN = in.DeadLetterConfig.TargetArn
	}
	if in.Environment != nil {
		c.Env = in.Environment.Variables
		if err := checkVariables(c.Env); err != nil {
			return err
		}
	}
	return nil
}

var variableName = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_]+$`)

func checkVariables(variables map[string]string) error {
	size := 0
	var reserved []string
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		size += len(name) + len(variables[name])
		if !variableName.MatchString(name) {
			return invalidShape("environment.variables", name, "Map keys must satisfy constraint: [Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+]")
		}
		if slices.Contains(reservedVariables, name) {
			reserved = append(reserved, name)
		}
	}
	if len(reserved) > 0 {
		return badParameter("Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: %s", joinComma(reserved))
	}
	if size > maxEnvBytes {
		return badParameter("Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit. String measured: %d bytes", size)
	}
	return nil
}

// checkDeadLetter checks the target of a DeadLetterConfig; "" takes it away.
func (s *Service) checkDeadLetter(roleARN, target string) error {
	if target == "" {
		return nil
	}
	a, ok := parseARN(target)
	if !ok || a.service != "sqs" && a.service != "sns" {
		return invalidShape("deadLetterConfig.targetArn", target, "Member must be the ARN of an SQS queue or an SNS topic")
	}
	if a.service != "sqs" {
		return notServed("A dead-letter topic")
	}
	if s.opts.Queues == nil {
		return notServed("A dead-letter queue without a queue service")
	}
	if denied := s.mayTell(roleARN, target); denied != nil {
		return badParameter("The provided execution role does not have permissions to call SendMessage on SQS (local runtime: %s)", denied.Explain())
	}
	return nil
}

type codeIO struct {
	ZipFile       []byte
	S3Bucket      string
	S3Key         string
	ImageURI      string `json:"ImageUri"`
	Architectures []string
	Publish       bool
	DryRun        bool
	RevisionID    string `json:"RevisionId"`
}

// check refuses code that does not come as a zip in the request.
func (in *codeIO) check() error {
	switch {
	case in.ImageURI != "":
		return notServed("A container image")
	case in.S3Bucket != "" || in.S3Key != "":
		return notServed("Code in S3: send it as ZipFile; S3")
	case in.Publish:
		return notServed("Publish: functions have the version $LATEST only; a published version")
	case len(in.ZipFile) == 0:
		return badParameter("Please provide a source for function code.")
	}
	return nil
}

func architecture(list []string) (string, error) {
	host := hostArchitecture()
	switch {
	case len(list) == 0:
		if host != "x86_64" {
			return "", badParameter("The function's architecture is x86_64, Lambda's default, and this machine is %s: give Architectures [%s]", host, host)
		}
		return "x86_64", nil
	case len(list) > 1 || list[0] != "x86_64" && list[0] != "arm64":
		return "", invalidShape("architectures", joinComma(list), "Member must satisfy enum value set: [x86_64, arm64]")
	case list[0] != host:
		return "", badParameter("The function's architecture is %s and this machine is %s: the local runtime cannot run it", list[0], host)
	}
	return list[0], nil
}

// createFunction: https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
func (s *Service) createFunction(c *restCall) (int, any, error) {
	var in struct {
		settings
		FunctionName  string
		Code          codeIO
		PackageType   string
		Architectures []string
		Publish       bool
		Tags          map[string]string
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	name, err := s.parseFunction(in.FunctionName)
	switch {
	case err != nil:
		return 0, nil, err
	case in.PackageType != "" && in.PackageType != "Zip":
		return 0, nil, notServed("Package type " + in.PackageType)
	case in.Role == nil:
		return 0, nil, invalidShape("role", "null", "Member must not be null")
	case in.Runtime == nil:
		return 0, nil, badParameter("Runtime is mandatory for functions created with deployment packages.")
	case in.Handler == nil:
		return 0, nil, badParameter("Handler is mandatory for functions created with deployment packages.")
	}
	in.Code.Publish = in.Publish
	if err := in.Code.check(); err != nil {
		return 0, nil, err
	}
	config := FunctionConfig{
		Name: name.name, ARN: s.functionARNOf(name.name), Timeout: defaultTimeout * time.Second, MemoryMB: defaultMemory, Tags: in.Tags,
	}
	if config.Architecture, err = architecture(in.Architectures); err != nil {
		return 0, nil, err
	}
	if err := checkTags(in.Tags); err != nil {
		return 0, nil, err
	}
	if err := s.applySettings(&in.settings, &config); err != nil {
		return 0, nil, err
	}
	s.applying.Lock()
	defer s.applying.Unlock()
	if s.definitions[name.name] != nil {
		return 0, nil, conflict("Function already exist: %s", name.name)
	}
	unpacked, err := s.unpack(c.HTTP.Context(), name.name, in.Code.ZipFile)
	if err != nil {
		return 0, nil, err
	}
	config.Dir = unpacked.dir
	d := &definition{Config: config.withDefaults(), Modified: s.now(), Revision: s.newUUID(), CodeSHA256: unpacked.sha, CodeSize: unpacked.size, hash: unpacked.hash}
	if err := s.setFunction(d); err != nil {
		return 0, nil, err
	}
	answer := describeFunction(d)
	answer.State, answer.StateReasonCode, answer.StateReason = "Pending", "Creating", "The function is being created."
	answer.LastUpdateStatus = ""
	return http.StatusCreated, answer, nil
}

// functionIO is the FunctionConfiguration of answers.
type functionIO struct {
	FunctionName               string         `json:"FunctionName"`
	FunctionArn                string         `json:"FunctionArn"`
	Runtime                    string         `json:"Runtime"`
	Role                       string         `json:"Role"`
	Handler                    string         `json:"Handler"`
	CodeSize                   int64          `json:"CodeSize"`
	Description                string         `json:"Description"`
	Timeout                    int            `json:"Timeout"`
	MemorySize                 int            `json:"MemorySize"`
	LastModified               string         `json:"LastModified"`
	CodeSha256                 string         `json:"CodeSha256"`
	Version                    string         `json:"Version"`
	Environment                *environmentIO `json:"Environment,omitempty"`
	DeadLetterConfig           *deadLetterIO  `json:"DeadLetterConfig,omitempty"`
	TracingConfig              modeIO         `json:"TracingConfig"`
	RevisionID                 string         `json:"RevisionId"`
	State                      string         `json:"State"`
	StateReason                string         `json:"StateReason,omitempty"`
	StateReasonCode            string         `json:"StateReasonCode,omitempty"`
	LastUpdateStatus           string         `json:"LastUpdateStatus,omitempty"`
	LastUpdateStatusReason     string         `json:"LastUpdateStatusReason,omitempty"`
	LastUpdateStatusReasonCode string         `json:"LastUpdateStatusReasonCode,omitempty"`
	PackageType                string         `json:"PackageType"`
	Architectures              []string       `json:"Architectures"`
	EphemeralStorage           sizeIO         `json:"EphemeralStorage"`
	LoggingConfig              loggingIO      `json:"LoggingConfig"`
}

type modeIO struct {
	Mode string `json:"Mode"`
}

type sizeIO struct {
	Size int `json:"Size"`
}

type loggingIO struct {
	LogFormat string `json:"LogFormat"`
	LogGroup  string `json:"LogGroup"`
}

func describeFunction(d *definition) *functionIO {
	c := &d.Config
	out := &functionIO{
		FunctionName: c.Name, FunctionArn: c.ARN, Runtime: c.Runtime, Role: c.RoleARN, Handler: c.Handler,
		CodeSize: d.CodeSize, Description: c.Description, Timeout: int(c.Timeout / time.Second), MemorySize: c.MemoryMB,
		LastModified: d.Modified.UTC().Format(timeFormat), CodeSha256: cmp.Or(d.CodeSHA256, d.hash), Version: latest,
		TracingConfig: modeIO{"PassThrough"}, RevisionID: d.Revision, State: "Active", LastUpdateStatus: "Successful",
		PackageType: "Zip", Architectures: []string{cmp.Or(c.Architecture, hostArchitecture())},
		EphemeralStorage: sizeIO{512}, LoggingConfig: loggingIO{"Text", c.LogGroup},
	}
	if len(c.Env) > 0 {
		out.Environment = &environmentIO{c.Env}
	}
	if c.DeadLetterARN != "" {
		out.DeadLetterConfig = &deadLetterIO{c.DeadLetterARN}
	}
	return out
}

// updated is the answer to an update that goes on after it.
func updated(d *definition) *functionIO {
	out := describeFunction(d)
	out.LastUpdateStatus, out.LastUpdateStatusReasonCode, out.LastUpdateStatusReason = "InProgress", "Creating", "The function is being created."
	return out
}

// functionOf is the function of the call's path and qualifier.
func (s *Service) functionOf(c *restCall) (*definition, error) {
	name, err := s.functionRefOf(c.value, c.query.Get("Qualifier"))
	if err != nil {
		return nil, err
	}
	ref := name.name
	if name.qualifier != "" {
		ref += ":" + name.qualifier
	}
	return s.lookup(ref)
}

// unqualified is the function of an operation that takes no version.
func (s *Service) unqualified(c *restCall) (*definition, error) {
	if name, err := s.functionRefOf(c.value, c.query.Get("Qualifier")); err != nil {
		return nil, err
	} else if name.qualifier != "" {
		return nil, badParameter("This operation does not support versions. Please use the unqualified function ARN.")
	}
	return s.lookup(c.value)
}

// getFunction: https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html
func (s *Service) getFunction(c *restCall) (int, any, error) {
	d, err := s.functionOf(c)
	if err != nil {
		return 0, nil, err
	}
	type codeLocation struct {
		RepositoryType string `json:"RepositoryType"`
		Location       string `json:"Location"`
	}
	return http.StatusOK, struct {
		Configuration *functionIO       `json:"Configuration"`
		Code          codeLocation      `json:"Code"`
		Tags          map[string]string `json:"Tags,omitempty"`
		Concurrency   *concurrencyIO    `json:"Concurrency,omitempty"`
	}{describeFunction(d), codeLocation{"S3", "file://" + d.Config.Dir}, d.Config.Tags, describeConcurrency(d)}, nil
}

func (s *Service) getFunctionConfiguration(c *restCall) (int, any, error) {
	d, err := s.functionOf(c)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, describeFunction(d), nil
}

// listFunctions: https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctions.html
func (s *Service) listFunctions(c *restCall) (int, any, error) {
	if v := c.query.Get("FunctionVersion"); v != "" && v != "ALL" {
		return 0, nil, invalidShape("functionVersion", v, "Member must satisfy enum value set: [ALL]")
	}
	part, next, err := page(c, s.sortedDefinitions(), func(d *definition) string { return d.Config.Name }, maxFunctionPage)
	if err != nil {
		return 0, nil, err
	}
	out := struct {
		Functions  []*functionIO `json:"Functions"`
		NextMarker *string       `json:"NextMarker"`
	}{Functions: []*functionIO{}}
	for _, d := range part {
		out.Functions = append(out.Functions, describeFunction(d))
	}
	if next != "" {
		out.NextMarker = &next
	}
	return http.StatusOK, out, nil
}

func (s *Service) sortedDefinitions() []*definition {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := make([]*definition, 0, len(s.definitions))
	for _, name := range slices.Sorted(maps.Keys(s.definitions)) {
		all = append(all, s.definitions[name])
	}
	return all
}

// deleteFunction: https://docs.aws.amazon.com/lambda/latest/api/API_DeleteFunction.html
func (s *Service) deleteFunction(c *restCall) (int, any, error) {
	s.applying.Lock()
	defer s.applying.Unlock()
	name, err := s.functionRefOf(c.value, c.query.Get("Qualifier"))
	if err != nil {
		return 0, nil, err
	}
	d, err := s.lookup(name.name)
	switch {
	case err != nil:
		return 0, nil, err
	case name.qualifier == latest:
		return 0, nil, badParameter("$LATEST version cannot be deleted without deleting the function.")
	case name.qualifier != "":
		return 0, nil, s.functionNotFound(name)
	}
	if err := s.removeFunction(d); err != nil {
		return 0, nil, err
	}
	return http.StatusNoContent, nil, s.async.forget(name.name)
}

func checkRevision(d *definition, want string) error {
	if want != "" && want != d.Revision {
		return &gateway.Error{Code: "PreconditionFailedException", Status: http.StatusPreconditionFailed,
			Message: "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id"}
	}
	return nil
}

// updateFunctionConfiguration:
// https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionConfiguration.html
func (s *Service) updateFunctionConfiguration(c *restCall) (int, any, error) {
	var in struct {
		settings
		RevisionID string `json:"RevisionId"`
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	if _, err := s.unqualified(c); err != nil {
		return 0, nil, err
	}
	d, err := s.changeFunction(c.value, func(d *definition) error {
		if err := checkRevision(d, in.RevisionID); err != nil {
			return err
		}
		if err := s.applySettings(&in.settings, &d.Config); err != nil {
			return err
		}
		return s.checkMappingTimeouts(d)
	})
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, updated(d), nil
}

// updateFunctionCode: https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionCode.html
func (s *Service) updateFunctionCode(c *restCall) (int, any, error) {
	var in codeIO
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	if _, err := s.unqualified(c); err != nil {
		return 0, nil, err
	}
	if err := in.check(); err != nil {
		return 0, nil, err
	}
	var dry *definition
	d, err := s.changeFunction(c.value, func(d *definition) error {
		if err := checkRevision(d, in.RevisionID); err != nil {
			return err
		}
		if len(in.Architectures) > 0 {
			var err error
			if d.Config.Architecture, err = architecture(in.Architectures); err != nil {
				return err
			}
		}
		unpacked, err := s.unpack(c.HTTP.Context(), d.Config.Name, in.ZipFile)
		if err != nil {
			return err
		}
		d.Config.Dir, d.hash, d.CodeSHA256, d.CodeSize = unpacked.dir, unpacked.hash, unpacked.sha, unpacked.size
		if in.DryRun {
			dry = d
			return errDryRun
		}
		return nil
	})
	if dry != nil {
		return http.StatusOK, describeFunction(dry), nil
	}
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, updated(d), nil
}
