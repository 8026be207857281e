// Command function is every Lambda function of the test application, told apart
// by the environment variable MODE.
//
//	api      POST /items puts an item; GET /items/{id} reads one; GET /scan does what its role does not allow
//	relay    publishes an event for each item that the table's stream shows
//	handler  marks the item of each event as handled; an item named poison… fails
//	tick     puts an item named tick, once
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	busTypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/vinci-go/vinci/internal/awsenv"
)

const table = "t-items"

func main() {
	config := awsenv.Config(os.Getenv)
	db := dynamodb.NewFromConfig(config)
	switch mode := os.Getenv("MODE"); mode {
	case "api":
		lambda.Start(func(ctx context.Context, r events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
			return api(ctx, db, r)
		})
	case "relay":
		bus := eventbridge.NewFromConfig(config)
		lambda.Start(func(ctx context.Context, e events.DynamoDBEvent) error { return relay(ctx, bus, e) })
	case "handler":
		lambda.Start(func(ctx context.Context, e events.SQSEvent) (events.SQSEventResponse, error) {
			return handle(ctx, db, e)
		})
	case "tick":
		lambda.Start(func(ctx context.Context, e events.EventBridgeEvent) error {
			fmt.Println("called by", e.Resources)
			_, err := db.PutItem(ctx, &dynamodb.PutItemInput{
				TableName: aws.String(table), Item: key("tick"), ConditionExpression: aws.String("attribute_not_exists(id)"),
			})
			var there *types.ConditionalCheckFailedException
			if errors.As(err, &there) { // an earlier call put it, and its mark must stay
				return nil
			}
			return err
		})
	default:
		fmt.Fprintf(os.Stderr, "MODE is %q\n", mode)
		os.Exit(1)
	}
}

func key(id string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: id}}
}

func api(ctx context.Context, db *dynamodb.Client, r events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	answer := func(status int, body string) (events.APIGatewayV2HTTPResponse, error) {
		return events.APIGatewayV2HTTPResponse{StatusCode: status, Body: body}, nil
	}
	switch r.RouteKey {
	case "POST /items":
		if _, err := db.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String(table), Item: key(r.Body)}); err != nil {
			return answer(500, err.Error())
		}
		return answer(201, r.Body+os.Getenv("SUFFIX"))
	case "GET /items/{id}":
		out, err := db.GetItem(ctx, &dynamodb.GetItemInput{TableName: aws.String(table), Key: key(r.PathParameters["id"])})
		if err != nil {
			return answer(500, err.Error())
		}
		handled, _ := out.Item["handled"].(*types.AttributeValueMemberS)
		switch {
		case len(out.Item) == 0:
			return answer(404, "")
		case handled == nil:
			return answer(200, "new")
		}
		return answer(200, handled.Value)
	}
	_, err := db.Scan(ctx, &dynamodb.ScanInput{TableName: aws.String(table)})
	return answer(200, fmt.Sprint(err))
}

func relay(ctx context.Context, bus *eventbridge.Client, e events.DynamoDBEvent) error {
	var entries []busTypes.PutEventsRequestEntry
	for _, r := range e.Records {
		detail, err := json.Marshal(map[string]string{"id": r.Change.Keys["id"].String()})
		if err != nil {
			return err
		}
		entries = append(entries, busTypes.PutEventsRequestEntry{
			EventBusName: aws.String("t-bus"), Source: aws.String("t"), DetailType: aws.String("item.created"), Detail: aws.String(string(detail)),
		})
	}
	out, err := bus.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: entries})
	if err != nil {
		return err
	}
	if out.FailedEntryCount > 0 {
		return fmt.Errorf("%d entries failed", out.FailedEntryCount)
	}
	return nil
}

func handle(ctx context.Context, db *dynamodb.Client, e events.SQSEvent) (events.SQSEventResponse, error) {
	var failed events.SQSEventResponse
	for _, m := range e.Records {
		var event struct {
			Detail struct {
				ID string `json:"id"`
			} `json:"detail"`
		}
		err := json.Unmarshal([]byte(m.Body), &event)
		id := event.Detail.ID
		if err == nil && strings.HasPrefix(id, "poison") {
			err = fmt.Errorf("%s is poison", id)
		}
		if err == nil {
			_, err = db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
				TableName: aws.String(table), Key: key(id),
				UpdateExpression:          aws.String("SET handled = :by"),
				ExpressionAttributeValues: map[string]types.AttributeValue{":by": &types.AttributeValueMemberS{Value: "handled" + os.Getenv("SUFFIX")}},
			})
		}
		if err != nil {
			fmt.Println("failed", id, err)
			failed.BatchItemFailures = append(failed.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
			continue
		}
		fmt.Println("handled", id)
	}
	return failed, nil
}
