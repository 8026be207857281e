package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/vinci-go/vinci/internal/names"
)

// deployedStack is a stack as CloudFormation has it.
type deployedStack struct {
	name     string
	template string // JSON
}

// existing are the states of a stack that has resources. One that is being
// changed is among them: its template is the one it is on the way to.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
func existing() []types.StackStatus {
	var out []types.StackStatus
	for _, s := range types.StackStatus("").Values() {
		switch s {
		case types.StackStatusDeleteComplete, types.StackStatusReviewInProgress, types.StackStatusRollbackComplete:
			continue // gone, or never made
		}
		out = append(out, s)
	}
	return out
}

// deployedStacks reads the templates of a deployment's stacks: all whose names
// begin with it. Another deployment's may be among them, when its application's
// name goes on where this one's ends; their tables have other names.
func deployedStacks(ctx context.Context, client *cloudformation.Client, d names.Deployment) ([]deployedStack, error) {
	var found []string
	pages := cloudformation.NewListStacksPaginator(client, &cloudformation.ListStacksInput{StackStatusFilter: existing()})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list the stacks: %w", err)
		}
		for _, s := range page.StackSummaries {
			if s.StackName != nil && strings.HasPrefix(*s.StackName, d.Stack("")) && s.ParentId == nil {
				found = append(found, *s.StackName)
			}
		}
	}
	out := make([]deployedStack, 0, len(found))
	for _, name := range found {
		// The original is what was deployed, byte by byte; the processed one is the
		// same, as nothing here uses transforms.
		got, err := client.GetTemplate(ctx, &cloudformation.GetTemplateInput{StackName: &name, TemplateStage: types.TemplateStageOriginal})
		if err != nil {
			return nil, fmt.Errorf("get the template of stack %s: %w", name, err)
		}
		if got.TemplateBody == nil {
			return nil, fmt.Errorf("get the template of stack %s: CloudFormation returned none", name)
		}
		out = append(out, deployedStack{name, *got.TemplateBody})
	}
	return out, nil
}
