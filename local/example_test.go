package local_test

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/vinci-go/vinci/local"
)

// Without an assembly it serves what calls make. With one (Config.Assembly), the
// application is there as it would be deployed.
func ExampleStart() {
	ctx := context.Background()
	rt, err := local.Start(ctx, local.Config{Open: true}) // Data is empty: nothing is kept
	if err != nil {
		fmt.Println(err)
		return
	}
	defer rt.Stop(ctx)

	keys := rt.Owner()
	client := sqs.New(sqs.Options{
		BaseEndpoint: aws.String(rt.Endpoint()), Region: keys.Region,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: keys.AccessKeyID, SecretAccessKey: keys.SecretAccessKey}, nil
		}),
	})
	queue, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("letters")})
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: queue.QueueUrl, MessageBody: aws.String("hello")}); err != nil {
		fmt.Println(err)
		return
	}
	got, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: queue.QueueUrl, WaitTimeSeconds: 5})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, m := range got.Messages {
		fmt.Println(*m.Body)
	}
	// Output: hello
}
