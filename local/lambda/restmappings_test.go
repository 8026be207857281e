package lambda

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/vinci-go/vinci/local/iam"
)

// awaitMapping waits until a mapping is in a state.
func awaitMapping(t *testing.T, c *api, id *string, want string) *sdk.GetEventSourceMappingOutput {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		m := must[*sdk.GetEventSourceMappingOutput](t)(c.GetEventSourceMapping(t.Context(), &sdk.GetEventSourceMappingInput{UUID: id}))
		if *m.State == want {
			return m
		}
		if time.Now().After(end) {
			t.Fatalf("the mapping is %s; want %s", *m.State, want)
		}
	}
}

func TestRESTMapping(t *testing.T) {
	ctx := t.Context()
	q, streams := &fakeQueues{visibility: time.Minute}, &fakeStreams{}
	s, logs := start(t, Options{Queues: q, Streams: streams, StateDir: t.TempDir()}, echo())
	c := newAPI(t, s)
	name := aws.String("echo")
	in := &sdk.CreateEventSourceMappingInput{
		FunctionName: name, EventSourceArn: aws.String(queueARN), BatchSize: aws.Int32(5), Tags: map[string]string{"team": "a"},
		FilterCriteria:        &types.FilterCriteria{Filters: []types.Filter{{Pattern: aws.String(`{"body":{"take":[true]}}`)}}},
		FunctionResponseTypes: []types.FunctionResponseType{types.FunctionResponseTypeReportBatchItemFailures},
		ScalingConfig:         &types.ScalingConfig{MaximumConcurrency: aws.Int32(2)},
	}
	made := must[*sdk.CreateEventSourceMappingOutput](t)(c.CreateEventSourceMapping(ctx, in))
	if *made.State != "Creating" || *made.BatchSize != 5 || *made.FunctionArn != echo().ARN || *made.ScalingConfig.MaximumConcurrency != 2 ||
		*made.EventSourceMappingArn != "arn:aws:lambda:us-east-1:000000000000:event-source-mapping:"+*made.UUID || *made.FilterCriteria.Filters[0].Pattern != `{"body":{"take":[true]}}` {
		t.Errorf("made %+v", made)
	}
	awaitMapping(t, c, made.UUID, "Enabled")
	_, err := c.CreateEventSourceMapping(ctx, in)
	wantCode(t, err, "ResourceConflictException", 409, *made.UUID)
	q.put(`{"take":true}`, `{"take":false}`)
	logs.wait(t, "START", 1)

	// Off and on again.
	off := must[*sdk.UpdateEventSourceMappingOutput](t)(c.UpdateEventSourceMapping(ctx, &sdk.UpdateEventSourceMappingInput{UUID: made.UUID, Enabled: aws.Bool(false)}))
	if *off.State != "Disabling" {
		t.Errorf("state is %s", *off.State)
	}
	awaitMapping(t, c, made.UUID, "Disabled")
	on := must[*sdk.UpdateEventSourceMappingOutput](t)(c.UpdateEventSourceMapping(ctx, &sdk.UpdateEventSourceMappingInput{UUID: made.UUID, Enabled: aws.Bool(true), BatchSize: aws.Int32(3)}))
	if *on.State != "Enabling" {
		t.Errorf("state is %s", *on.State)
	}
	if m := awaitMapping(t, c, made.UUID, "Enabled"); *m.BatchSize != 3 || len(m.FunctionResponseTypes) != 1 || *m.ScalingConfig.MaximumConcurrency != 2 {
		t.Errorf("got %+v", m)
	}

	stream := must[*sdk.CreateEventSourceMappingOutput](t)(c.CreateEventSourceMapping(ctx, &sdk.CreateEventSourceMappingInput{
		FunctionName: name, EventSourceArn: aws.String(streamARN), StartingPosition: types.EventSourcePositionTrimHorizon, ParallelizationFactor: aws.Int32(2),
		DestinationConfig: &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: aws.String(deadARN)}}, MaximumRecordAgeInSeconds: aws.Int32(60)}))
	if *stream.MaximumRetryAttempts != -1 || *stream.BatchSize != 100 || *stream.LastProcessingResult != "No records processed" || *stream.ParallelizationFactor != 2 {
		t.Errorf("made %+v", stream)
	}
	streams.put("a")
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		m := must[*sdk.GetEventSourceMappingOutput](t)(c.GetEventSourceMapping(ctx, &sdk.GetEventSourceMappingInput{UUID: stream.UUID}))
		if *m.LastProcessingResult == "OK" {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the result is %s", *m.LastProcessingResult)
		}
	}

	list := must[*sdk.ListEventSourceMappingsOutput](t)(c.ListEventSourceMappings(ctx, &sdk.ListEventSourceMappingsInput{FunctionName: name, EventSourceArn: aws.String(queueARN)}))
	if len(list.EventSourceMappings) != 1 || *list.EventSourceMappings[0].UUID != *made.UUID {
		t.Errorf("listed %+v", list)
	}
	n := 0
	for pages := sdk.NewListEventSourceMappingsPaginator(c.Client, &sdk.ListEventSourceMappingsInput{MaxItems: aws.Int32(1)}); pages.HasMorePages(); n++ {
		must[*sdk.ListEventSourceMappingsOutput](t)(pages.NextPage(ctx))
	}
	if n != 2 {
		t.Errorf("%d pages", n)
	}
	if tags := must[*sdk.ListTagsOutput](t)(c.ListTags(ctx, &sdk.ListTagsInput{Resource: made.EventSourceMappingArn})); tags.Tags["team"] != "a" {
		t.Errorf("tags: %v", tags.Tags)
	}

	gone := must[*sdk.DeleteEventSourceMappingOutput](t)(c.DeleteEventSourceMapping(ctx, &sdk.DeleteEventSourceMappingInput{UUID: made.UUID}))
	if *gone.State != "Deleting" {
		t.Errorf("state is %s", *gone.State)
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		m, err := c.GetEventSourceMapping(ctx, &sdk.GetEventSourceMappingInput{UUID: made.UUID})
		if err != nil {
			wantCode(t, err, "ResourceNotFoundException", 404, "does not exist")
			break
		}
		if *m.State != "Deleting" || time.Now().After(end) {
			t.Fatalf("state is %s", *m.State)
		}
	}
}

func TestRESTMappingErrors(t *testing.T) {
	ctx := t.Context()
	const fifoARN = queueARN + ".fifo"
	s, _ := start(t, Options{
		Queues: &fakeQueues{}, Streams: &fakeStreams{},
		Visibility: func(arn string) (time.Duration, bool) {
			return map[string]time.Duration{queueARN: 30 * time.Second, fifoARN: 30 * time.Second, deadARN: 5 * time.Second}[arn], !strings.HasSuffix(arn, "absent")
		},
		Allows: func(role string, n iam.Need) *iam.Decision {
			if strings.HasSuffix(role, "/poor") {
				return &iam.Decision{Need: n}
			}
			return nil
		},
	}, echo(), echo(named("poor"), func(c *FunctionConfig) { c.RoleARN += "/poor" }))
	c := newAPI(t, s)
	create := func(change func(*sdk.CreateEventSourceMappingInput)) error {
		in := &sdk.CreateEventSourceMappingInput{FunctionName: aws.String("echo"), EventSourceArn: aws.String(queueARN)}
		change(in)
		_, err := c.CreateEventSourceMapping(ctx, in)
		return err
	}
	type in = sdk.CreateEventSourceMappingInput
	stream := func(i *in) {
		i.EventSourceArn, i.StartingPosition = aws.String(streamARN), types.EventSourcePositionLatest
	}
	for what, test := range map[string]struct {
		change func(*in)
		code   string
		status int
		text   string
	}{
		"no function":     {func(i *in) { i.FunctionName = aws.String("absent") }, "ResourceNotFoundException", 404, "Function not found"},
		"no source":       {func(i *in) { i.EventSourceArn = nil }, "InvalidParameterValueException", 400, "EventSourceArn"},
		"Kinesis":         {func(i *in) { i.EventSourceArn = aws.String("arn:aws:kinesis:us-east-1:000000000000:stream/x") }, "InvalidParameterValueException", 400, "Unrecognized event source"},
		"no queue":        {func(i *in) { i.EventSourceArn = aws.String(queueARN + "absent") }, "InvalidParameterValueException", 400, "NonExistentQueue"},
		"visibility":      {func(i *in) { i.EventSourceArn = aws.String(deadARN) }, "InvalidParameterValueException", 400, "Queue visibility timeout: 5 seconds is less than Function timeout: 20 seconds"},
		"role":            {func(i *in) { i.FunctionName = aws.String("poor") }, "InvalidParameterValueException", 400, "does not have permissions to call ReceiveMessage on SQS"},
		"role and stream": {func(i *in) { stream(i); i.FunctionName = aws.String("poor") }, "InvalidParameterValueException", 400, "Cannot access stream"},
		"batch":           {func(i *in) { i.BatchSize = aws.Int32(0) }, "ValidationException", 400, "batchSize"},
		"large batch":     {func(i *in) { i.BatchSize = aws.Int32(11) }, "InvalidParameterValueException", 400, "Maximum batch window in seconds must be greater than 0"},
		"window":          {func(i *in) { i.MaximumBatchingWindowInSeconds = aws.Int32(301) }, "ValidationException", 400, "300"},
		"FIFO window":     {func(i *in) { i.EventSourceArn, i.MaximumBatchingWindowInSeconds = aws.String(fifoARN), aws.Int32(1) }, "InvalidParameterValueException", 400, "not supported for FIFO queues"},
		"FIFO batch":      {func(i *in) { i.EventSourceArn, i.BatchSize = aws.String(fifoARN), aws.Int32(11) }, "InvalidParameterValueException", 400, "FIFO"},
		"concurrency":     {func(i *in) { i.ScalingConfig = &types.ScalingConfig{MaximumConcurrency: aws.Int32(1)} }, "ValidationException", 400, "greater than or equal to 2"},
		"filter": {func(i *in) {
			i.FilterCriteria = &types.FilterCriteria{Filters: []types.Filter{{Pattern: aws.String(`{"body":1}`)}}}
		}, "InvalidParameterValueException", 400, "Invalid filter pattern definition"},
		"filters":  {func(i *in) { i.FilterCriteria = &types.FilterCriteria{Filters: make([]types.Filter, 6)} }, "InvalidParameterValueException", 400, "number of filters"},
		"position": {func(i *in) { i.EventSourceArn = aws.String(streamARN) }, "InvalidParameterValueException", 400, "Starting position"},
		"timestamp": {func(i *in) {
			stream(i)
			i.StartingPosition, i.StartingPositionTimestamp = types.EventSourcePositionAtTimestamp, aws.Time(time.Now())
		}, "InvalidParameterValueException", 400, "AT_TIMESTAMP"},
		"tumbling":         {func(i *in) { stream(i); i.TumblingWindowInSeconds = aws.Int32(5) }, "InvalidParameterValueException", 400, "TumblingWindowInSeconds"},
		"parallel":         {func(i *in) { stream(i); i.ParallelizationFactor = aws.Int32(11) }, "InvalidParameterValueException", 400, "parallelization factor"},
		"age":              {func(i *in) { stream(i); i.MaximumRecordAgeInSeconds = aws.Int32(5) }, "ValidationException", 400, "60"},
		"retries":          {func(i *in) { stream(i); i.MaximumRetryAttempts = aws.Int32(-2) }, "ValidationException", 400, "-1"},
		"queue and bisect": {func(i *in) { i.BisectBatchOnFunctionError = aws.Bool(true) }, "InvalidParameterValueException", 400, "bisect"},
		"destination": {func(i *in) {
			stream(i)
			i.DestinationConfig = &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: aws.String("arn:aws:sns:us-east-1:000000000000:t")}}
		}, "InvalidParameterValueException", 400, "failure destination"},
	} {
		t.Run(what, func(t *testing.T) { wantCode(t, create(test.change), test.code, test.status, test.text) })
	}
	if list := must[*sdk.ListEventSourceMappingsOutput](t)(c.ListEventSourceMappings(ctx, &sdk.ListEventSourceMappingsInput{})); len(list.EventSourceMappings) != 0 {
		t.Errorf("something was made: %v", fmt.Sprint(list.EventSourceMappings))
	}
	// A time-out that the queue does not fit is refused later, too.
	if err := create(func(*in) {}); err != nil {
		t.Fatal(err)
	}
	_, err := c.UpdateFunctionConfiguration(ctx, &sdk.UpdateFunctionConfigurationInput{FunctionName: aws.String("echo"), Timeout: aws.Int32(31)})
	wantCode(t, err, "InvalidParameterValueException", 400, "Queue visibility timeout: 30 seconds")
}
