package eventbridge

import (
	"encoding/json"
	"slices"

	"github.com/vinci-go/vinci/local/gateway"
	"github.com/vinci-go/vinci/local/iam"
)

// operations are those that are served besides PutEvents.
//
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_Operations.html
func operations() map[string]operation {
	return map[string]operation{
		"CreateEventBus":   {(*Service).createEventBus, onTagged("CreateEventBus", namedBus)},
		"UpdateEventBus":   {(*Service).updateEventBus, on("UpdateEventBus", namedBus)},
		"DeleteEventBus":   {(*Service).deleteEventBus, on("DeleteEventBus", namedBus)},
		"DescribeEventBus": {(*Service).describeEventBus, on("DescribeEventBus", namedBus)},
		"ListEventBuses":   {(*Service).listEventBuses, on("ListEventBuses", anything)},
		"PutPermission":    {(*Service).putPermission, on("PutPermission", anything)},
		"RemovePermission": {(*Service).removePermission, on("RemovePermission", ofBus)},

		"PutRule":               {(*Service).putRule, (*Service).putRuleNeeds},
		"DeleteRule":            {(*Service).deleteRule, ruleNeeds("DeleteRule")},
		"EnableRule":            {(*Service).enableRule, ruleNeeds("EnableRule")},
		"DisableRule":           {(*Service).disableRule, ruleNeeds("DisableRule")},
		"DescribeRule":          {(*Service).describeRule, ruleNeeds("DescribeRule")},
		"ListRules":             {(*Service).listRules, on("ListRules", rulesOfBus)},
		"ListRuleNamesByTarget": {(*Service).listRuleNames, on("ListRuleNamesByTarget", rulesOfBus)},
		"PutTargets":            {(*Service).putTargets, (*Service).putTargetsNeeds},
		"RemoveTargets":         {(*Service).removeTargets, ruleNeeds("RemoveTargets")},
		"ListTargetsByRule":     {(*Service).listTargets, ruleNeeds("ListTargetsByRule")},
		"TestEventPattern":      {(*Service).testEventPattern, on("TestEventPattern", anything)},

		"TagResource":         {(*Service).tagResource, onTagged("TagResource", resource)},
		"UntagResource":       {(*Service).untagResource, onTagged("UntagResource", resource)},
		"ListTagsForResource": {(*Service).listTags, on("ListTagsForResource", resource)},

		"CreateArchive":   {(*Service).createArchive, (*Service).createArchiveNeeds},
		"UpdateArchive":   {(*Service).updateArchive, on("UpdateArchive", archiveOf)},
		"DeleteArchive":   {(*Service).deleteArchive, on("DeleteArchive", archiveOf)},
		"DescribeArchive": {(*Service).describeArchive, on("DescribeArchive", archiveOf)},
		"ListArchives":    {(*Service).listArchives, on("ListArchives", anything)},

		"StartReplay":    {(*Service).serveStartReplay, (*Service).startReplayNeeds},
		"CancelReplay":   {(*Service).serveCancelReplay, on("CancelReplay", replayOf)},
		"DescribeReplay": {(*Service).describeReplay, on("DescribeReplay", replayOf)},
		"ListReplays":    {(*Service).listReplays, on("ListReplays", anything)},
	}
}

// Needs is events:PutEvents on each bus, with the source and the detail type that
// a policy may restrict, and for other operations the action of their name on what
// they touch. Who hands a role to EventBridge needs iam:PassRole on it, too.
//
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_events.html
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-conditions.html
func (s *Service) Needs(name string, body []byte) ([]iam.Need, error) {
	if name != "PutEvents" {
		o, ok := operations()[name]
		if !ok {
			return nil, gateway.UnknownOperation(name)
		}
		r, err := decodeRequest(body)
		if err != nil {
			return nil, err
		}
		return o.needs(s, r), nil
	}
	var in putEventsInput
	if err := decode(body, &in); err != nil {
		return nil, err
	}
	var needs []iam.Need
	for _, e := range in.Entries {
		n := iam.Need{Action: "events:PutEvents", Resource: s.busARN(nameOf(e.EventBusName)), Context: map[string][]string{
			"events:source": {e.Source}, "events:detail-type": {e.DetailType}, "events:eventBusInvocation": {"false"},
		}}
		same := func(o iam.Need) bool {
			return o.Resource == n.Resource && o.Context["events:source"][0] == e.Source && o.Context["events:detail-type"][0] == e.DetailType
		}
		if !slices.ContainsFunc(needs, same) {
			needs = append(needs, n)
		}
	}
	return needs, nil
}

func on(action string, resource func(*Service, *request) string) func(*Service, *request) []iam.Need {
	return func(s *Service, r *request) []iam.Need {
		return []iam.Need{{Action: "events:" + action, Resource: resource(s, r)}}
	}
}

// onTagged is for operations that a policy may restrict by tags. Who makes
// something with tags needs events:TagResource, too.
func onTagged(action string, resource func(*Service, *request) string) func(*Service, *request) []iam.Need {
	return func(s *Service, r *request) []iam.Need {
		n := iam.Need{Action: "events:" + action, Resource: resource(s, r), Context: r.tagContext(nil)}
		needs := []iam.Need{n}
		if len(r.Tags) > 0 && action != "TagResource" {
			n.Action = "events:TagResource"
			needs = append(needs, n)
		}
		return needs
	}
}

func (r *request) tagContext(context map[string][]string) map[string][]string {
	keys := slices.Clone(r.TagKeys)
	if context == nil {
		context = map[string][]string{}
	}
	for _, t := range r.Tags {
		context["aws:RequestTag/"+t.Key] = []string{t.Value}
		keys = append(keys, t.Key)
	}
	if len(keys) > 0 {
		context["aws:TagKeys"] = keys
	}
	return context
}

func anything(*Service, *request) string      { return "*" }
func resource(_ *Service, r *request) string  { return r.ResourceARN }
func namedBus(s *Service, r *request) string  { return s.busARN(nameOf(r.Name)) }
func ofBus(s *Service, r *request) string     { return s.busARN(nameOf(r.EventBusName)) }
func archiveOf(s *Service, r *request) string { return s.archiveARN(r.ArchiveName) }
func replayOf(s *Service, r *request) string  { return s.replayARN(r.ReplayName) }

func rulesOfBus(s *Service, r *request) string { return s.ruleARN(nameOf(r.EventBusName), "*") }

func ruleNeeds(action string) func(*Service, *request) []iam.Need {
	return func(s *Service, r *request) []iam.Need {
		name := r.Name
		if name == "" {
			name = r.Rule
		}
		return []iam.Need{{Action: "events:" + action, Resource: s.ruleARN(nameOf(r.EventBusName), name),
			Context: map[string][]string{"events:creatorAccount": {s.opts.Account}}}}
	}
}

// passRole is what handing a role to EventBridge needs.
func passRole(role string) iam.Need {
	return iam.Need{Action: "iam:PassRole", Resource: role, Context: map[string][]string{"iam:PassedToService": {servicePrincipal}}}
}

// putRuleNeeds carries what the pattern asks of events.
func (s *Service) putRuleNeeds(r *request) []iam.Need {
	n := iam.Need{Action: "events:PutRule", Resource: s.ruleARN(nameOf(r.EventBusName), r.Name),
		Context: r.tagContext(map[string][]string{"events:creatorAccount": {s.opts.Account}})}
	var asks map[string]json.RawMessage
	if json.Unmarshal([]byte(r.EventPattern), &asks) == nil { // PutRule itself refuses what is no JSON
		for _, field := range []string{"source", "detail-type"} {
			var alternatives []any
			if json.Unmarshal(asks[field], &alternatives) != nil {
				continue
			}
			for _, a := range alternatives {
				if text, ok := a.(string); ok {
					n.Context["events:"+field] = append(n.Context["events:"+field], text)
				}
			}
		}
	}
	needs := []iam.Need{n}
	if len(r.Tags) > 0 {
		needs = append(needs, iam.Need{Action: "events:TagResource", Resource: n.Resource, Context: n.Context})
	}
	if r.RoleArn != "" {
		needs = append(needs, passRole(r.RoleArn))
	}
	return needs
}

func (s *Service) putTargetsNeeds(r *request) []iam.Need {
	n := iam.Need{Action: "events:PutTargets", Resource: s.ruleARN(nameOf(r.EventBusName), r.Rule),
		Context: map[string][]string{"events:creatorAccount": {s.opts.Account}}}
	needs := []iam.Need{n}
	for _, t := range r.Targets {
		n.Context["events:TargetArn"] = append(n.Context["events:TargetArn"], t.Arn)
		if t.RoleArn != "" {
			needs = append(needs, passRole(t.RoleArn))
		}
	}
	return needs
}

func (s *Service) createArchiveNeeds(r *request) []iam.Need {
	return []iam.Need{
		{Action: "events:CreateArchive", Resource: s.archiveARN(r.ArchiveName)},
		{Action: "events:CreateArchive", Resource: s.busARN(nameOf(r.EventSourceArn))},
	}
}

func (s *Service) startReplayNeeds(r *request) []iam.Need {
	needs := []iam.Need{
		{Action: "events:StartReplay", Resource: r.EventSourceArn},
		{Action: "events:StartReplay", Resource: s.replayARN(r.ReplayName)},
	}
	if r.Destination != nil {
		needs = append(needs, iam.Need{Action: "events:StartReplay", Resource: r.Destination.Arn})
	}
	return needs
}
