package lambda

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"

	"github.com/vinci-go/vinci/local/gateway"
	"github.com/vinci-go/vinci/local/iam"
)

const roleARN = "arn:aws:iam::000000000000:role/sdk"

// api is a real SDK client of a service behind a gateway.
type api struct {
	*sdk.Client
	url         string
	credentials *gateway.Credentials
}

func newAPI(t testing.TB, s *Service) *api {
	t.Helper()
	credentials := gateway.NewCredentials(gateway.CredentialsOptions{})
	server := httptest.NewServer(gateway.New(gateway.Options{REST: []gateway.RESTService{s}, Credentials: credentials}))
	t.Cleanup(server.Close)
	return &api{clientOf(server.URL, credentials.Owner()), server.URL, credentials}
}

func clientOf(url string, k gateway.Keys) *sdk.Client {
	return sdk.New(sdk.Options{
		Region: "us-east-1", BaseEndpoint: &url, Retryer: aws.NopRetryer{},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: k.AccessKeyID, SecretAccessKey: k.SecretAccessKey, SessionToken: k.SessionToken}, nil
		}),
	})
}

type zipFile struct {
	name string
	mode fs.FileMode
	body []byte
}

func zipOf(t testing.TB, files ...zipFile) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range files {
		h := &zip.FileHeader{Name: f.name, Method: zip.Store}
		h.SetMode(f.mode)
		out, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := out.Write(f.body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// echoZip is the test function as a zip; with what makes it another one.
func echoZip(t testing.TB, extra ...zipFile) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(echoDir, "bootstrap"))
	if err != nil {
		t.Fatal(err)
	}
	return zipOf(t, append([]zipFile{{"bootstrap", 0o755, b}}, extra...)...)
}

func createInput(t testing.TB, name string) *sdk.CreateFunctionInput {
	return &sdk.CreateFunctionInput{
		FunctionName: &name, Role: aws.String(roleARN), Runtime: types.RuntimeProvidedal2023, Handler: aws.String("bootstrap"),
		Architectures: []types.Architecture{types.Architecture(hostArchitecture())},
		Code:          &types.FunctionCode{ZipFile: echoZip(t)}, Timeout: aws.Int32(20),
	}
}

func must[T any](t testing.TB) func(T, error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// wantCode wants AWS's error of a code, a status, and with a text in its message.
func wantCode(t testing.TB, err error, code string, status int, text string) {
	t.Helper()
	var e smithy.APIError
	var r *awshttp.ResponseError
	if !errors.As(err, &e) || !errors.As(err, &r) {
		t.Errorf("got %v; want %s", err, code)
		return
	}
	if e.ErrorCode() != code || r.HTTPStatusCode() != status || !strings.Contains(e.ErrorMessage(), text) {
		t.Errorf("got %d %s %q; want %d %s with %q", r.HTTPStatusCode(), e.ErrorCode(), e.ErrorMessage(), status, code, text)
	}
}

func TestRESTFunction(t *testing.T) {
	ctx := t.Context()
	state := t.TempDir()
	s, logs := start(t, Options{StateDir: state})
	c := newAPI(t, s)
	name := aws.String("greet")

	in := createInput(t, "greet")
	in.Environment = &types.Environment{Variables: map[string]string{"COLOR": "red"}}
	in.Tags = map[string]string{"team": "a"}
	in.Description = aws.String("says it")
	created := must[*sdk.CreateFunctionOutput](t)(c.CreateFunction(ctx, in))
	if created.State != types.StatePending || *created.Version != "$LATEST" || *created.FunctionArn != "arn:aws:lambda:us-east-1:000000000000:function:greet" ||
		created.CodeSize != int64(len(in.Code.ZipFile)) || *created.MemorySize != 128 || *created.LoggingConfig.LogGroup != "/aws/lambda/greet" {
		t.Errorf("created: %+v", created)
	}
	_, err := c.CreateFunction(ctx, in)
	wantCode(t, err, "ResourceConflictException", 409, "Function already exist: greet")

	got := must[*sdk.GetFunctionOutput](t)(c.GetFunction(ctx, &sdk.GetFunctionInput{FunctionName: name}))
	if got.Configuration.State != types.StateActive || got.Configuration.Environment.Variables["COLOR"] != "red" || got.Tags["team"] != "a" || got.Concurrency != nil {
		t.Errorf("got: %+v", got)
	}
	if err := sdk.NewFunctionActiveV2Waiter(c.Client).Wait(ctx, &sdk.GetFunctionInput{FunctionName: name}, time.Minute); err != nil {
		t.Error(err)
	}

	// Every form of its name.
	for _, ref := range []string{"greet", "greet:$LATEST", "000000000000:function:greet", *created.FunctionArn, *created.FunctionArn + ":$LATEST"} {
		r := must[*sdk.InvokeOutput](t)(c.Invoke(ctx, &sdk.InvokeInput{FunctionName: &ref, Payload: []byte(`{"Text":"hi"}`)}))
		if r.StatusCode != 200 || r.FunctionError != nil || !strings.Contains(string(r.Payload), `"Text":"hi"`) || *r.ExecutedVersion != "$LATEST" || r.LogResult != nil {
			t.Errorf("%s: %d %s", ref, r.StatusCode, r.Payload)
		}
	}
	r := must[*sdk.InvokeOutput](t)(c.Invoke(ctx, &sdk.InvokeInput{FunctionName: name, Qualifier: aws.String("$LATEST"), Payload: []byte(`{"Do":"error","Text":"no luck"}`), LogType: types.LogTypeTail}))
	if r.StatusCode != 200 || *r.FunctionError != "Unhandled" || !strings.Contains(string(r.Payload), `"no luck"`) {
		t.Errorf("error: %+v %s", r, r.Payload)
	}
	tail, err := base64.StdEncoding.DecodeString(*r.LogResult)
	if err != nil || !strings.Contains(string(tail), "START RequestId: ") || !strings.Contains(string(tail), "Memory Size: 128 MB") {
		t.Errorf("tail: %q %v", tail, err)
	}
	if r := must[*sdk.InvokeOutput](t)(c.Invoke(ctx, &sdk.InvokeInput{FunctionName: name, InvocationType: types.InvocationTypeDryRun})); r.StatusCode != 204 {
		t.Errorf("dry run: %d", r.StatusCode)
	}
	if r := must[*sdk.InvokeOutput](t)(c.Invoke(ctx, &sdk.InvokeInput{FunctionName: name, InvocationType: types.InvocationTypeEvent, Payload: []byte(`{"Do":"log","N":1}`)})); r.StatusCode != 202 || len(r.Payload) > 0 {
		t.Errorf("event: %d %s", r.StatusCode, r.Payload)
	}
	logs.wait(t, "line 0", 1)
	if r := must[*sdk.InvokeOutput](t)(c.Invoke(ctx, &sdk.InvokeInput{FunctionName: name})); !strings.Contains(string(r.Payload), "Deadline") { // {} for nothing
		t.Errorf("no payload: %s", r.Payload)
	}

	// Changes.
	upd := must[*sdk.UpdateFunctionConfigurationOutput](t)(c.UpdateFunctionConfiguration(ctx, &sdk.UpdateFunctionConfigurationInput{
		FunctionName: name, MemorySize: aws.Int32(256), Environment: &types.Environment{Variables: map[string]string{"COLOR": "blue"}}, RevisionId: created.RevisionId}))
	if upd.LastUpdateStatus != types.LastUpdateStatusInProgress || *upd.MemorySize != 256 || *upd.Timeout != 20 || *upd.Description != "says it" {
		t.Errorf("updated: %+v", upd)
	}
	_, err = c.UpdateFunctionConfiguration(ctx, &sdk.UpdateFunctionConfigurationInput{FunctionName: name, RevisionId: created.RevisionId})
	wantCode(t, err, "PreconditionFailedException", 412, "Revision Id")
	r = must[*sdk.InvokeOutput](t)(c.Invoke(ctx, &sdk.InvokeInput{FunctionName: name, Payload: []byte(`{"Do":"env"}`)}))
	if !strings.Contains(string(r.Payload), `"COLOR":"blue"`) {
		t.Errorf("the changed function answers %s", r.Payload)
	}
	next := echoZip(t, zipFile{"data/x.txt", 0o644, []byte("x")})
	dry := must[*sdk.UpdateFunctionCodeOutput](t)(c.UpdateFunctionCode(ctx, &sdk.UpdateFunctionCodeInput{FunctionName: name, ZipFile: next, DryRun: true}))
	code := must[*sdk.UpdateFunctionCodeOutput](t)(c.UpdateFunctionCode(ctx, &sdk.UpdateFunctionCodeInput{FunctionName: name, ZipFile: next}))
	if *code.CodeSha256 == *created.CodeSha256 || *dry.CodeSha256 != *code.CodeSha256 {
		t.Errorf("code: %+v after %+v", code, dry)
	}
	r = must[*sdk.InvokeOutput](t)(c.Invoke(ctx, &sdk.InvokeInput{FunctionName: name, Payload: []byte(`{"Do":"env"}`)}))
	if !strings.Contains(string(r.Payload), `"Calls":1`) {
		t.Errorf("the old code answers: %s", r.Payload)
	}

	// Listed a page at a time.
	for _, n := range []string{"alpha", "beta", "zeta"} {
		must[*sdk.CreateFunctionOutput](t)(c.CreateFunction(ctx, createInput(t, n)))
	}
	var names []string
	pages := sdk.NewListFunctionsPaginator(c.Client, &sdk.ListFunctionsInput{MaxItems: aws.Int32(3)})
	n := 0
	for ; pages.HasMorePages(); n++ {
		for _, f := range must[*sdk.ListFunctionsOutput](t)(pages.NextPage(ctx)).Functions {
			names = append(names, *f.FunctionName)
		}
	}
	if n != 2 || fmt.Sprint(names) != "[alpha beta greet zeta]" {
		t.Errorf("listed %v in %d pages", names, n)
	}
	settings := must[*sdk.GetAccountSettingsOutput](t)(c.GetAccountSettings(ctx, &sdk.GetAccountSettingsInput{}))
	if settings.AccountUsage.FunctionCount != 4 || settings.AccountLimit.ConcurrentExecutions != 1000 {
		t.Errorf("account: %+v %+v", settings.AccountUsage, settings.AccountLimit)
	}

	// Gone.
	must[*sdk.DeleteFunctionOutput](t)(c.DeleteFunction(ctx, &sdk.DeleteFunctionInput{FunctionName: name}))
	_, err = c.Invoke(ctx, &sdk.InvokeInput{FunctionName: name})
	wantCode(t, err, "ResourceNotFoundException", 404, "Function not found: arn:aws:lambda:us-east-1:000000000000:function:greet")
	var typed *types.ResourceNotFoundException
	if !errors.As(err, &typed) || aws.ToString(typed.Type) != "User" {
		t.Errorf("the SDK does not know the error: %#v", err)
	}
}

func TestRESTErrors(t *testing.T) {
	ctx := t.Context()
	s, _ := start(t, Options{}, echo(), echo(named("one"), reserved(0)))
	c := newAPI(t, s)
	name := aws.String("echo")
	create := func(change func(*sdk.CreateFunctionInput)) error {
		in := createInput(t, "bad")
		change(in)
		_, err := c.CreateFunction(ctx, in)
		return err
	}
	withZip := func(files ...zipFile) error {
		return create(func(in *sdk.CreateFunctionInput) { in.Code.ZipFile = zipOf(t, files...) })
	}
	second := func(_ any, err error) error { return err }
	file := []byte("x")
	for what, test := range map[string]struct {
		err    error
		code   string
		status int
		text   string
	}{
		"no function":     {second(c.Invoke(ctx, &sdk.InvokeInput{FunctionName: aws.String("absent")})), "ResourceNotFoundException", 404, "function:absent"},
		"no version":      {second(c.Invoke(ctx, &sdk.InvokeInput{FunctionName: name, Qualifier: aws.String("7")})), "ResourceNotFoundException", 404, "function:echo:7"},
		"two qualifiers":  {second(c.Invoke(ctx, &sdk.InvokeInput{FunctionName: aws.String("echo:$LATEST"), Qualifier: aws.String("7")})), "InvalidParameterValueException", 400, "derived qualifier"},
		"another region":  {second(c.Invoke(ctx, &sdk.InvokeInput{FunctionName: aws.String("arn:aws:lambda:eu-west-1:000000000000:function:echo")})), "ResourceNotFoundException", 404, "eu-west-1"},
		"no name":         {second(c.Invoke(ctx, &sdk.InvokeInput{FunctionName: aws.String("a b")})), "ValidationException", 400, "functionName"},
		"no JSON":         {second(c.Invoke(ctx, &sdk.InvokeInput{FunctionName: name, Payload: []byte(`{"a":`)})), "InvalidRequestContentException", 400, "Could not parse request body into json"},
		"too large":       {second(c.Invoke(ctx, &sdk.InvokeInput{FunctionName: name, Payload: bytes.Repeat([]byte(" "), MaxPayload+1)})), "RequestTooLargeException", 413, "6291456 bytes"},
		"too large event": {second(c.Invoke(ctx, &sdk.InvokeInput{FunctionName: name, InvocationType: types.InvocationTypeEvent, Payload: bytes.Repeat([]byte(" "), MaxAsyncPayload+1)})), "RequestTooLargeException", 413, "1048576 bytes"},
		"throttled":       {second(c.Invoke(ctx, &sdk.InvokeInput{FunctionName: aws.String("one")})), "TooManyRequestsException", 429, "Rate Exceeded"},
		"invocation type": {second(c.Invoke(ctx, &sdk.InvokeInput{FunctionName: name, InvocationType: "Maybe"})), "ValidationException", 400, "invocationType"},
		"client context":  {second(c.Invoke(ctx, &sdk.InvokeInput{FunctionName: name, ClientContext: aws.String("!")})), "InvalidRequestContentException", 400, "Client context"},
		"runtime":         {create(func(in *sdk.CreateFunctionInput) { in.Runtime = types.RuntimeNodejs20x }), "InvalidParameterValueException", 400, "nodejs20.x"},
		"role":            {create(func(in *sdk.CreateFunctionInput) { in.Role = aws.String("admin") }), "ValidationException", 400, "role"},
		"time-out":        {create(func(in *sdk.CreateFunctionInput) { in.Timeout = aws.Int32(901) }), "ValidationException", 400, "less than or equal to 900"},
		"memory":          {create(func(in *sdk.CreateFunctionInput) { in.MemorySize = aws.Int32(64) }), "ValidationException", 400, "greater than or equal to 128"},
		"reserved variable": {create(func(in *sdk.CreateFunctionInput) {
			in.Environment = &types.Environment{Variables: map[string]string{"AWS_REGION": "x"}}
		}), "InvalidParameterValueException", 400, "AWS_REGION"},
		"variables": {create(func(in *sdk.CreateFunctionInput) {
			in.Environment = &types.Environment{Variables: map[string]string{"BIG": strings.Repeat("x", 4096)}}
		}), "InvalidParameterValueException", 400, "4KB"},
		"architecture": {create(func(in *sdk.CreateFunctionInput) { in.Architectures = []types.Architecture{other(hostArchitecture())} }), "InvalidParameterValueException", 400, "cannot run it"},
		"layers": {create(func(in *sdk.CreateFunctionInput) {
			in.Layers = []string{"arn:aws:lambda:us-east-1:000000000000:layer:x:1"}
		}), "InvalidParameterValueException", 400, "Layers is not served"},
		"S3": {create(func(in *sdk.CreateFunctionInput) {
			in.Code = &types.FunctionCode{S3Bucket: aws.String("b"), S3Key: aws.String("k")}
		}), "InvalidParameterValueException", 400, "ZipFile"},
		"tags":            {create(func(in *sdk.CreateFunctionInput) { in.Tags = map[string]string{"aws:x": "y"} }), "InvalidParameterValueException", 400, "aws:"},
		"not a zip":       {create(func(in *sdk.CreateFunctionInput) { in.Code.ZipFile = []byte("PK") }), "InvalidParameterValueException", 400, "Could not unzip"},
		"zip slip":        {withZip(zipFile{"../bootstrap", 0o755, file}), "InvalidParameterValueException", 400, "Could not unzip"},
		"absolute":        {withZip(zipFile{"/tmp/bootstrap", 0o755, file}), "InvalidParameterValueException", 400, "Could not unzip"},
		"backslash":       {withZip(zipFile{`..\bootstrap`, 0o755, file}), "InvalidParameterValueException", 400, "Could not unzip"},
		"symlink":         {withZip(zipFile{"bootstrap", 0o777 | fs.ModeSymlink, []byte("/bin/sh")}), "InvalidParameterValueException", 400, "regular file"},
		"file and folder": {withZip(zipFile{"a", 0o644, file}, zipFile{"a/b", 0o644, file}), "InvalidParameterValueException", 400, "Could not unzip"},
		"twice":           {withZip(zipFile{"a", 0o644, file}, zipFile{"a", 0o644, file}), "InvalidParameterValueException", 400, "Could not unzip"},
		"empty zip":       {withZip(), "InvalidParameterValueException", 400, "non-empty zip"},
		"no concurrency":  {second(c.PutFunctionConcurrency(ctx, &sdk.PutFunctionConcurrencyInput{FunctionName: name, ReservedConcurrentExecutions: aws.Int32(901)})), "InvalidParameterValueException", 400, "minimum value of [100]"},
		"no async config": {second(c.GetFunctionEventInvokeConfig(ctx, &sdk.GetFunctionEventInvokeConfigInput{FunctionName: name})), "ResourceNotFoundException", 404, "doesn't have an EventInvokeConfig"},
		"itself":          {second(c.PutFunctionEventInvokeConfig(ctx, &sdk.PutFunctionEventInvokeConfigInput{FunctionName: name, DestinationConfig: &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: aws.String(echo().ARN)}}})), "InvalidParameterValueException", 400, "itself"},
		"event age":       {second(c.PutFunctionEventInvokeConfig(ctx, &sdk.PutFunctionEventInvokeConfigInput{FunctionName: name, MaximumEventAgeInSeconds: aws.Int32(5)})), "ValidationException", 400, "60"},
		"no policy":       {second(c.GetPolicy(ctx, &sdk.GetPolicyInput{FunctionName: name})), "ResourceNotFoundException", 404, "does not exist"},
		"no statement":    {second(c.RemovePermission(ctx, &sdk.RemovePermissionInput{FunctionName: name, StatementId: aws.String("x")})), "ResourceNotFoundException", 404, "Statement x"},
		"no mapping":      {second(c.GetEventSourceMapping(ctx, &sdk.GetEventSourceMappingInput{UUID: aws.String("x")})), "ResourceNotFoundException", 404, "does not exist"},
		"not served":      {second(c.CreateAlias(ctx, &sdk.CreateAliasInput{FunctionName: name, Name: aws.String("a"), FunctionVersion: aws.String("1")})), "UnknownOperationException", 404, "not served"},
	} {
		t.Run(what, func(t *testing.T) { wantCode(t, test.err, test.code, test.status, test.text) })
	}
	_, err := c.Invoke(ctx, &sdk.InvokeInput{FunctionName: aws.String("one")})
	var typed *types.TooManyRequestsException
	if !errors.As(err, &typed) || typed.Reason != types.ThrottleReasonReservedFunctionConcurrentInvocationLimitExceeded {
		t.Errorf("got %#v", err)
	}
}

func other(architecture string) types.Architecture {
	if architecture == "x86_64" {
		return types.ArchitectureArm64
	}
	return types.ArchitectureX8664
}

// TestBootstrapMode: a bootstrap that is not executable is AWS's error at the first
// invocation, not when the function is made.
func TestBootstrapMode(t *testing.T) {
	ctx := t.Context()
	s, _ := start(t, Options{})
	c := newAPI(t, s)
	in := createInput(t, "plain")
	in.Code.ZipFile = zipOf(t, zipFile{"bootstrap", 0o644, []byte("x")})
	must[*sdk.CreateFunctionOutput](t)(c.CreateFunction(ctx, in))
	r := must[*sdk.InvokeOutput](t)(c.Invoke(ctx, &sdk.InvokeInput{FunctionName: in.FunctionName}))
	if aws.ToString(r.FunctionError) != "Unhandled" || !strings.Contains(string(r.Payload), "Runtime.InvalidEntrypoint") || !strings.Contains(string(r.Payload), "permission denied") {
		t.Errorf("got %s", r.Payload)
	}
}

// TestRESTPersists: what SDK calls made is there again, and the assembly's is not.
func TestRESTPersists(t *testing.T) {
	ctx := t.Context()
	o := Options{StateDir: t.TempDir(), Queues: &fakeQueues{visibility: time.Minute}}
	s, _ := start(t, o, echo())
	c := newAPI(t, s)
	in := createInput(t, "kept")
	in.Environment = &types.Environment{Variables: map[string]string{"COLOR": "red"}}
	in.Tags = map[string]string{"team": "a"}
	must[*sdk.CreateFunctionOutput](t)(c.CreateFunction(ctx, in))
	must[*sdk.PutFunctionConcurrencyOutput](t)(c.PutFunctionConcurrency(ctx, &sdk.PutFunctionConcurrencyInput{FunctionName: in.FunctionName, ReservedConcurrentExecutions: aws.Int32(3)}))
	must[*sdk.PutFunctionEventInvokeConfigOutput](t)(c.PutFunctionEventInvokeConfig(ctx, &sdk.PutFunctionEventInvokeConfigInput{FunctionName: in.FunctionName, MaximumRetryAttempts: aws.Int32(1)}))
	must[*sdk.AddPermissionOutput](t)(c.AddPermission(ctx, &sdk.AddPermissionInput{FunctionName: in.FunctionName, StatementId: aws.String("s"), Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("events.amazonaws.com")}))
	made := must[*sdk.CreateEventSourceMappingOutput](t)(c.CreateEventSourceMapping(ctx, &sdk.CreateEventSourceMappingInput{FunctionName: in.FunctionName, EventSourceArn: aws.String(queueARN), Enabled: aws.Bool(false)}))
	// An SDK call changes the assembly's function until the next start.
	must[*sdk.UpdateFunctionConfigurationOutput](t)(c.UpdateFunctionConfiguration(ctx, &sdk.UpdateFunctionConfigurationInput{FunctionName: aws.String("echo"), MemorySize: aws.Int32(512)}))
	if err := s.Apply(ctx, []FunctionConfig{echo()}, nil); err != nil { // the same: the change stays
		t.Fatal(err)
	}
	if f := must[*sdk.GetFunctionConfigurationOutput](t)(c.GetFunctionConfiguration(ctx, &sdk.GetFunctionConfigurationInput{FunctionName: aws.String("echo")})); *f.MemorySize != 512 {
		t.Errorf("the change did not last: %d MB", *f.MemorySize)
	}
	if err := s.Apply(ctx, []FunctionConfig{echo(timeout(9 * time.Second))}, nil); err != nil { // another one
		t.Fatal(err)
	}
	if f := must[*sdk.GetFunctionConfigurationOutput](t)(c.GetFunctionConfiguration(ctx, &sdk.GetFunctionConfigurationInput{FunctionName: aws.String("echo")})); *f.MemorySize != 128 || *f.Timeout != 9 {
		t.Errorf("the assembly's change did not count: %d MB %d s", *f.MemorySize, *f.Timeout)
	}
	if err := s.Close(ctx); err != nil {
		t.Fatal(err)
	}

	s2, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	defer s2.Close(ctx)
	c = newAPI(t, s2)
	f := must[*sdk.GetFunctionOutput](t)(c.GetFunction(ctx, &sdk.GetFunctionInput{FunctionName: in.FunctionName}))
	if f.Configuration.Environment.Variables["COLOR"] != "red" || f.Tags["team"] != "a" || *f.Concurrency.ReservedConcurrentExecutions != 3 {
		t.Errorf("got %+v", f)
	}
	if a := must[*sdk.GetFunctionEventInvokeConfigOutput](t)(c.GetFunctionEventInvokeConfig(ctx, &sdk.GetFunctionEventInvokeConfigInput{FunctionName: in.FunctionName})); *a.MaximumRetryAttempts != 1 {
		t.Errorf("got %+v", a)
	}
	if m := must[*sdk.GetEventSourceMappingOutput](t)(c.GetEventSourceMapping(ctx, &sdk.GetEventSourceMappingInput{UUID: made.UUID})); *m.State != "Disabled" {
		t.Errorf("got %+v", m)
	}
	if s2.ResourcePolicy(*f.Configuration.FunctionArn) == nil {
		t.Error("the policy is gone")
	}
	if r := must[*sdk.InvokeOutput](t)(c.Invoke(ctx, &sdk.InvokeInput{FunctionName: in.FunctionName, Payload: []byte(`{"Do":"env"}`)})); !strings.Contains(string(r.Payload), `"COLOR":"red"`) {
		t.Errorf("got %s", r.Payload)
	}
	_, err = c.GetFunction(ctx, &sdk.GetFunctionInput{FunctionName: aws.String("echo")})
	wantCode(t, err, "ResourceNotFoundException", 404, "echo")

	// The assembly takes a name over.
	if err := s2.Apply(ctx, []FunctionConfig{echo(named("kept"))}, nil); err != nil {
		t.Fatal(err)
	}
	if err := s2.Apply(ctx, nil, nil); err != nil {
		t.Fatal(err)
	}
	_, err = c.GetFunction(ctx, &sdk.GetFunctionInput{FunctionName: in.FunctionName})
	wantCode(t, err, "ResourceNotFoundException", 404, "kept")
}

func TestRESTConcurrencyAndTags(t *testing.T) {
	ctx := t.Context()
	s, _ := start(t, Options{}, echo())
	c := newAPI(t, s)
	name := aws.String("echo")
	a, _ := call(t, s, request{})
	must[*sdk.PutFunctionConcurrencyOutput](t)(c.PutFunctionConcurrency(ctx, &sdk.PutFunctionConcurrencyInput{FunctionName: name, ReservedConcurrentExecutions: aws.Int32(1)}))
	if got := must[*sdk.GetFunctionConcurrencyOutput](t)(c.GetFunctionConcurrency(ctx, &sdk.GetFunctionConcurrencyInput{FunctionName: name})); *got.ReservedConcurrentExecutions != 1 {
		t.Errorf("got %+v", got)
	}
	if b, _ := call(t, s, request{}); b.PID != a.PID {
		t.Error("reserving concurrency ended an environment")
	}
	must[*sdk.DeleteFunctionConcurrencyOutput](t)(c.DeleteFunctionConcurrency(ctx, &sdk.DeleteFunctionConcurrencyInput{FunctionName: name}))
	if got := must[*sdk.GetFunctionConcurrencyOutput](t)(c.GetFunctionConcurrency(ctx, &sdk.GetFunctionConcurrencyInput{FunctionName: name})); got.ReservedConcurrentExecutions != nil {
		t.Errorf("got %+v", got)
	}

	arn := aws.String(echo().ARN)
	must[*sdk.TagResourceOutput](t)(c.TagResource(ctx, &sdk.TagResourceInput{Resource: arn, Tags: map[string]string{"a": "1", "b": "2"}}))
	must[*sdk.UntagResourceOutput](t)(c.UntagResource(ctx, &sdk.UntagResourceInput{Resource: arn, TagKeys: []string{"a", "x"}}))
	if got := must[*sdk.ListTagsOutput](t)(c.ListTags(ctx, &sdk.ListTagsInput{Resource: arn})); len(got.Tags) != 1 || got.Tags["b"] != "2" {
		t.Errorf("got %v", got.Tags)
	}
	if b, _ := call(t, s, request{}); b.PID != a.PID {
		t.Error("a tag ended an environment")
	}
	_, err := c.ListTags(ctx, &sdk.ListTagsInput{Resource: aws.String("echo")})
	wantCode(t, err, "ValidationException", 400, "resource")
}

func TestRESTAsyncConfig(t *testing.T) {
	ctx := t.Context()
	s, _ := start(t, Options{Queues: &fakeQueues{}}, echo())
	c := newAPI(t, s)
	name := aws.String("echo")
	_, err := c.UpdateFunctionEventInvokeConfig(ctx, &sdk.UpdateFunctionEventInvokeConfigInput{FunctionName: name})
	wantCode(t, err, "ResourceNotFoundException", 404, "EventInvokeConfig")
	must[*sdk.PutFunctionEventInvokeConfigOutput](t)(c.PutFunctionEventInvokeConfig(ctx, &sdk.PutFunctionEventInvokeConfigInput{
		FunctionName: name, MaximumRetryAttempts: aws.Int32(0), DestinationConfig: &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: aws.String(deadARN)}}}))
	must[*sdk.UpdateFunctionEventInvokeConfigOutput](t)(c.UpdateFunctionEventInvokeConfig(ctx, &sdk.UpdateFunctionEventInvokeConfigInput{FunctionName: name, MaximumEventAgeInSeconds: aws.Int32(90)}))
	got := must[*sdk.GetFunctionEventInvokeConfigOutput](t)(c.GetFunctionEventInvokeConfig(ctx, &sdk.GetFunctionEventInvokeConfigInput{FunctionName: name}))
	if *got.MaximumRetryAttempts != 0 || *got.MaximumEventAgeInSeconds != 90 || *got.DestinationConfig.OnFailure.Destination != deadARN || got.DestinationConfig.OnSuccess.Destination != nil ||
		*got.FunctionArn != echo().ARN+":$LATEST" || time.Since(*got.LastModified) > time.Minute {
		t.Errorf("got %+v", got)
	}
	list := must[*sdk.ListFunctionEventInvokeConfigsOutput](t)(c.ListFunctionEventInvokeConfigs(ctx, &sdk.ListFunctionEventInvokeConfigsInput{FunctionName: name}))
	if len(list.FunctionEventInvokeConfigs) != 1 {
		t.Errorf("listed %+v", list)
	}
	// Put leaves out what it does not say.
	put := must[*sdk.PutFunctionEventInvokeConfigOutput](t)(c.PutFunctionEventInvokeConfig(ctx, &sdk.PutFunctionEventInvokeConfigInput{FunctionName: name, MaximumRetryAttempts: aws.Int32(2)}))
	if put.MaximumEventAgeInSeconds != nil || put.DestinationConfig.OnFailure.Destination != nil {
		t.Errorf("put %+v", put)
	}
	must[*sdk.DeleteFunctionEventInvokeConfigOutput](t)(c.DeleteFunctionEventInvokeConfig(ctx, &sdk.DeleteFunctionEventInvokeConfigInput{FunctionName: name}))
	_, err = c.GetFunctionEventInvokeConfig(ctx, &sdk.GetFunctionEventInvokeConfigInput{FunctionName: name})
	wantCode(t, err, "ResourceNotFoundException", 404, "EventInvokeConfig")
}

// TestRESTPermission: a role's call is judged by its own policies and by the
// function's.
func TestRESTPermission(t *testing.T) {
	ctx := t.Context()
	s, _ := start(t, Options{}, echo())
	c := newAPI(t, s)
	const role = "arn:aws:iam::000000000000:role/caller"
	c.credentials.SetRoles(map[string]iam.Policies{role: nil})
	caller := clientOf(c.url, c.credentials.Issue(role, "test"))
	name := aws.String("echo")
	_, err := caller.Invoke(ctx, &sdk.InvokeInput{FunctionName: name})
	wantCode(t, err, "AccessDeniedException", http.StatusForbidden, "lambda:InvokeFunction on resource: "+echo().ARN)

	add := &sdk.AddPermissionInput{FunctionName: name, StatementId: aws.String("caller"), Action: aws.String("lambda:InvokeFunction"), Principal: aws.String(role)}
	must[*sdk.AddPermissionOutput](t)(c.AddPermission(ctx, add))
	_, err = c.AddPermission(ctx, add)
	wantCode(t, err, "ResourceConflictException", 409, "The statement id (caller) provided already exists")
	must[*sdk.InvokeOutput](t)(caller.Invoke(ctx, &sdk.InvokeInput{FunctionName: name}))
	_, err = caller.GetFunction(ctx, &sdk.GetFunctionInput{FunctionName: name})
	wantCode(t, err, "AccessDeniedException", 403, "lambda:GetFunction")

	statement := must[*sdk.AddPermissionOutput](t)(c.AddPermission(ctx, &sdk.AddPermissionInput{FunctionName: name, StatementId: aws.String("rule"), Action: aws.String("lambda:InvokeFunction"),
		Principal: aws.String("events.amazonaws.com"), SourceArn: aws.String("arn:aws:events:us-east-1:000000000000:rule/bus/a"), SourceAccount: aws.String("000000000000")}))
	want := `{"Sid":"rule","Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"` + echo().ARN +
		`","Condition":{"ArnLike":{"AWS:SourceArn":"arn:aws:events:us-east-1:000000000000:rule/bus/a"},"StringEquals":{"AWS:SourceAccount":"000000000000"}}}`
	if *statement.Statement != want {
		t.Errorf("got  %s\nwant %s", *statement.Statement, want)
	}
	policy := must[*sdk.GetPolicyOutput](t)(c.GetPolicy(ctx, &sdk.GetPolicyInput{FunctionName: name}))
	if !strings.HasPrefix(*policy.Policy, `{"Version":"2012-10-17","Id":"default","Statement":[{"Sid":"caller"`) || !strings.Contains(*policy.Policy, want) {
		t.Errorf("policy: %s", *policy.Policy)
	}
	judge := func(rule string) bool {
		d := s.ResourcePolicy(echo().ARN).DecideFor(iam.Principal{Service: "events.amazonaws.com"}, iam.Need{Action: "lambda:InvokeFunction", Resource: echo().ARN,
			Context: map[string][]string{"aws:SourceArn": {rule}, "aws:SourceAccount": {"000000000000"}}})
		return d.Allowed()
	}
	if !judge("arn:aws:events:us-east-1:000000000000:rule/bus/a") || judge("arn:aws:events:us-east-1:000000000000:rule/bus/b") {
		t.Error("the rule's permission is judged wrongly")
	}
	must[*sdk.RemovePermissionOutput](t)(c.RemovePermission(ctx, &sdk.RemovePermissionInput{FunctionName: name, StatementId: aws.String("caller")}))
	_, err = caller.Invoke(ctx, &sdk.InvokeInput{FunctionName: name})
	wantCode(t, err, "AccessDeniedException", 403, "lambda:InvokeFunction")
}
