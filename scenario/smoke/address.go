package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"github.com/vinci-go/vinci/internal/awsenv"
	"github.com/vinci-go/vinci/internal/names"
)

// outputPrefix is how the output's name begins that has an API's address; what
// follows is the CDK's hash of the construct's path.
const outputPrefix = "APIURL"

// fromFile finds the API's address in the file that `cdk deploy --outputs-file` writes.
func fromFile(file string) (string, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	var stacks map[string]map[string]string
	if err := json.Unmarshal(b, &stacks); err != nil {
		return "", fmt.Errorf("%s is not what cdk deploy --outputs-file writes: %w", file, err)
	}
	all := map[string]string{}
	for stack, outputs := range stacks {
		for name, value := range outputs {
			all[stack+"."+name] = value
		}
	}
	return pick(all, file)
}

// fromStack asks CloudFormation.
func fromStack(ctx context.Context, d names.Deployment, getenv func(string) string) (string, error) {
	stack := d.Stack("api")
	out, err := cloudformation.NewFromConfig(awsenv.Config(getenv)).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &stack})
	if err != nil {
		return "", fmt.Errorf("describe the stack %s: %w", stack, err)
	}
	all := map[string]string{}
	for _, s := range out.Stacks {
		for _, o := range s.Outputs {
			if o.OutputKey != nil && o.OutputValue != nil {
				all[stack+"."+*o.OutputKey] = *o.OutputValue
			}
		}
	}
	return pick(all, "the stack "+stack)
}

// pick takes the one address there is.
func pick(outputs map[string]string, where string) (string, error) {
	var found []string
	for name, value := range outputs {
		if strings.HasPrefix(name[strings.LastIndex(name, ".")+1:], outputPrefix) {
			found = append(found, value)
		}
	}
	if len(found) != 1 {
		return "", fmt.Errorf("%s has %d outputs %s…, wanted one: name the API's address with --url", where, len(found), outputPrefix)
	}
	return found[0], nil
}
