package local

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	db "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	streamsdk "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	lambdasdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"
)

const referenceFile = "../docs/local_reference.md"

// TestReference holds docs/local_reference.md to what is so: every operation of each
// service's SDK is called, and every property comes from the lists by which templates
// are read. Run with -update to write the page again.
func TestReference(t *testing.T) {
	var b strings.Builder
	b.WriteString(referenceHead)
	writeOperations(t, &b)
	writeProperties(t, &b)
	want := b.String()
	if *update {
		if err := os.WriteFile(referenceFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(referenceFile)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not current: run go test ./local -run TestReference -update and look at the difference", referenceFile)
	}
}

const referenceHead = `# What the local gateway serves

This page is written by a test (` + "`TestReference`" + ` in local/): it calls every operation that the services' SDKs have, and reads the lists by which the
runtime reads templates. What differs from AWS is in [local.md](local.md).
`

// writeOperations calls each operation of each client. What answers
// UnknownOperationException is not served.
func writeOperations(t *testing.T, b *strings.Builder) {
	r := start(t, Config{Assembly: app(t)})
	config := awsConfig(r)
	config.RetryMaxAttempts = 1
	b.WriteString("\n## Operations\n\n| service | served | not served |\n|---|---|---|\n")
	for _, c := range []struct {
		name   string
		client any
	}{
		{"SQS", sqs.NewFromConfig(config)},
		{"EventBridge", eventbridge.NewFromConfig(config)},
		{"Lambda", lambdasdk.NewFromConfig(config)},
		{"DynamoDB", db.NewFromConfig(config)},
		{"DynamoDB Streams", streamsdk.NewFromConfig(config)},
	} {
		var served, not []string
		client := reflect.ValueOf(c.client)
		for m := range client.Type().Methods() {
			in, ok := inputOf(m)
			if !ok {
				continue
			}
			fill(in.Elem(), 12)
			result := client.MethodByName(m.Name).Call([]reflect.Value{reflect.ValueOf(t.Context()), in})
			err, _ := result[1].Interface().(error)
			var api smithy.APIError
			switch {
			case errors.As(err, &api) && api.ErrorCode() == "UnknownOperationException":
				not = append(not, m.Name)
			case err == nil || errors.As(err, &api):
				served = append(served, m.Name)
			case strings.Contains(err.Error(), "deserializ") && strings.Contains(err.Error(), "StatusCode: 200"):
				served = append(served, m.Name) // an event stream, which an answer in JSON is not
			default:
				t.Errorf("%s %s: no answer of AWS's shape: %v", c.name, m.Name, err)
			}
		}
		fmt.Fprintf(b, "| %s | %s | %s |\n", c.name, list(served), list(not))
	}
}

// inputOf makes the input of a method that is an operation.
func inputOf(m reflect.Method) (reflect.Value, bool) {
	if m.Type.NumIn() != 4 || m.Type.NumOut() != 2 || m.Type.In(2).Kind() != reflect.Pointer ||
		m.Type.In(2).Elem().Name() != m.Name+"Input" {
		return reflect.Value{}, false
	}
	return reflect.New(m.Type.In(2).Elem()), true
}

// fill gives every field a value, so that the SDK does not refuse the call itself.
func fill(v reflect.Value, depth int) {
	if depth == 0 || !v.CanSet() {
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if p := reflect.New(v.Type().Elem()); p.Elem().Kind() != reflect.Struct || p.Elem().NumField() > 0 {
			fill(p.Elem(), depth)
			v.Set(p)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), depth-1)
		}
	case reflect.String:
		v.SetString("x")
	case reflect.Float64:
		v.SetFloat(1)
	case reflect.Int32, reflect.Int64:
		v.SetInt(1)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte("x"))
			return
		}
		s := reflect.MakeSlice(v.Type(), 1, 1)
		fill(s.Index(0), depth-1)
		v.Set(s)
	case reflect.Map:
		m := reflect.MakeMap(v.Type())
		key, e := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key, depth-1)
		fill(e, depth-1)
		if e.Kind() != reflect.Interface || !e.IsNil() {
			m.SetMapIndex(key, e)
		}
		v.Set(m)
	case reflect.Interface:
		if v.Type() == reflect.TypeFor[io.Reader]() {
			v.Set(reflect.ValueOf(bytes.NewReader([]byte("x"))))
		}
	}
}

func list(names []string) string {
	if len(names) == 0 {
		return "–"
	}
	slices.Sort(names)
	return "`" + strings.Join(names, "`, `") + "`"
}

// propertiesOf are the structs by which the types are read. A type without one has
// no effect as a whole.
func propertiesOf() map[string]any {
	return map[string]any{
		"AWS::ApiGatewayV2::Api":          apiProperties{},
		"AWS::ApiGatewayV2::Authorizer":   authorizerProperties{},
		"AWS::ApiGatewayV2::Integration":  integrationProperties{},
		"AWS::ApiGatewayV2::Route":        routeProperties{},
		"AWS::ApiGatewayV2::Stage":        stageProperties{},
		"AWS::DynamoDB::GlobalTable":      globalTableProperties{},
		"AWS::DynamoDB::Table":            tableProperties{},
		"AWS::Events::Archive":            archiveProperties{},
		"AWS::Events::EventBus":           busProperties{},
		"AWS::Events::EventBusPolicy":     busPolicyProperties{},
		"AWS::Events::Rule":               ruleProperties{},
		"AWS::IAM::Policy":                policyProperties{},
		"AWS::IAM::Role":                  roleProperties{},
		"AWS::Lambda::EventSourceMapping": mappingProperties{},
		"AWS::Lambda::EventInvokeConfig":  eventInvokeProperties{},
		"AWS::Lambda::Function":           functionProperties{},
		"AWS::Lambda::Permission":         permissionProperties{},
		"AWS::Logs::LogGroup":             logGroupProperties{},
		"AWS::SQS::Queue":                 queueProperties{},
		"AWS::SQS::QueuePolicy":           queuePolicyProperties{},
	}
}

func writeProperties(t *testing.T, b *strings.Builder) {
	known := propertiesOf()
	readers := (&planner{}).readers()
	b.WriteString("\n## Resource types and their properties\n\nAny other type is noted at start as not served. Any other property of these is an error.\n\n" +
		"| type | served | known, no effect here | means nothing on AWS either |\n|---|---|---|---|\n")
	var none []string
	for _, name := range slices.Sorted(maps.Keys(readers)) {
		props, ok := known[name]
		if !ok {
			none = append(none, name)
			continue
		}
		delete(known, name)
		var served, without, labels []string
		for f := range reflect.TypeOf(props).Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("cfn"), ",")
			if name == "" {
				name = f.Name
			}
			switch f.Type {
			case labelType:
				labels = append(labels, name)
			case noEffectType:
				without = append(without, name)
			default:
				served = append(served, name)
			}
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", name, list(served), list(without), list(labels))
	}
	for name := range known {
		t.Errorf("%s has properties and no reader", name)
	}
	fmt.Fprintf(b, "\nKnown, and without effect as a whole: %s.\n", list(none))
}
