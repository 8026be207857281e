package sqs_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func TestConformanceQueues(t *testing.T) {
	create := func(t *testing.T, f *fixture, name string, attributes ...string) error {
		return fails(f.CreateQueue(t.Context(), &awssqs.CreateQueueInput{QueueName: &name, Attributes: pairs(attributes)}))
	}
	checkRules(t, []rule{
		{"a new queue has AWS's default attributes", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q")
			out, err := f.GetQueueAttributes(t.Context(), &awssqs.GetQueueAttributesInput{QueueUrl: url, AttributeNames: []types.QueueAttributeName{"All"}})
			want := map[string]string{"QueueArn": prefix + "q", "VisibilityTimeout": "30", "MaximumMessageSize": "1048576", "MessageRetentionPeriod": "345600",
				"DelaySeconds": "0", "ReceiveMessageWaitTimeSeconds": "0", "SqsManagedSseEnabled": "true", "CreatedTimestamp": "1795176000", "LastModifiedTimestamp": "1795176000",
				"ApproximateNumberOfMessages": "0", "ApproximateNumberOfMessagesNotVisible": "0", "ApproximateNumberOfMessagesDelayed": "0"}
			if err != nil || !maps.Equal(out.Attributes, want) {
				t.Errorf("got %v, %v; want %v", out, err, want)
			}
		}},
		{"a new FIFO queue has AWS's default attributes of its kind", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q.fifo")
			for name, want := range map[string]string{"FifoQueue": "true", "ContentBasedDeduplication": "false", "DeduplicationScope": "queue", "FifoThroughputLimit": "perQueue", "QueueArn": prefix + "q.fifo"} {
				if got := f.attribute(t, url, name); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
		}},
		{"the URL ends in account and name", func(t *testing.T, f *fixture) {
			if url := f.queue(t, "q"); *url != f.url+"/"+account+"/q" {
				t.Errorf("got %s", *url)
			}
		}},
		{"every attribute that is set is shown", func(t *testing.T, f *fixture) {
			f.queue(t, "d")
			all := map[string]string{"VisibilityTimeout": "1", "MaximumMessageSize": "1024", "MessageRetentionPeriod": "60", "DelaySeconds": "900",
				"ReceiveMessageWaitTimeSeconds": "20", "RedrivePolicy": redrive("d", "1000"), "KmsMasterKeyId": "alias/k", "KmsDataKeyReusePeriodSeconds": "60",
				"RedriveAllowPolicy": `{"redrivePermission":"byQueue","sourceQueueArns":["` + prefix + `x"]}`,
				"Policy":             `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sqs:SendMessage","Resource":"` + prefix + `q"}]}`}
			url := f.queue(t, "q")
			f.wait(time.Minute)
			if _, err := f.SetQueueAttributes(t.Context(), &awssqs.SetQueueAttributesInput{QueueUrl: url, Attributes: all}); err != nil {
				t.Fatal(err)
			}
			for name, want := range all {
				if got := f.attribute(t, url, name); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
			if f.attribute(t, url, "SqsManagedSseEnabled") != "false" || f.attribute(t, url, "LastModifiedTimestamp") != "1795176060" || f.attribute(t, url, "CreatedTimestamp") != "1795176000" {
				t.Error("the key does not turn off SQS's own encryption, or the time of the change is wrong")
			}
			f.set(t, url, "RedrivePolicy", "", "RedriveAllowPolicy", "", "Policy", "", "KmsMasterKeyId", "", "KmsDataKeyReusePeriodSeconds", "300")
			for _, name := range []string{"RedrivePolicy", "RedriveAllowPolicy", "Policy", "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds"} {
				if got := f.attribute(t, url, name); got != "" {
					t.Errorf("%s is %q after it was set to nothing", name, got)
				}
			}
		}},
		{"CreateQueue again is the same queue when what is asked is so", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q", "DelaySeconds", "1", "ReceiveMessageWaitTimeSeconds", "1")
			f.put(t, url, "kept")
			for _, attributes := range [][]string{nil, {"DelaySeconds", "1"}, {"VisibilityTimeout", "30"}} {
				if again := f.queue(t, "q", attributes...); *again != *url {
					t.Errorf("got %s", *again)
				}
			}
			f.set(t, url, "DelaySeconds", "2")
			f.queue(t, "q", "DelaySeconds", "2")
			wantError(t, create(t, f, "q", "DelaySeconds", "1"), "QueueAlreadyExists", "A queue already exists with the same name and a different value for attribute DelaySeconds", 400)
			if f.counts(t, url) != [3]string{"0", "0", "1"} {
				t.Errorf("counts %v: its message is gone", f.counts(t, url))
			}
		}},
		{"CreateQueue with other attributes is QueueNameExists", func(t *testing.T, f *fixture) {
			f.queue(t, "q")
			if err := create(t, f, "q", "VisibilityTimeout", "31"); !is[*types.QueueNameExists](err) {
				t.Errorf("error %v", err)
			}
			f.queue(t, "f.fifo")
			wantError(t, create(t, f, "f.fifo", "FifoQueue", "true", "ContentBasedDeduplication", "true"), "QueueAlreadyExists", "attribute ContentBasedDeduplication", 400)
		}},
		{"a deleted queue does not exist, and its messages are gone", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q")
			f.put(t, url, "a")
			if err := fails(f.DeleteQueue(t.Context(), &awssqs.DeleteQueueInput{QueueUrl: url})); err != nil {
				t.Fatal(err)
			}
			wantError(t, fails(f.GetQueueUrl(t.Context(), &awssqs.GetQueueUrlInput{QueueName: aws.String("q")})), "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.", 400)
			wantError(t, fails(f.DeleteQueue(t.Context(), &awssqs.DeleteQueueInput{QueueUrl: url})), "AWS.SimpleQueueService.NonExistentQueue", "", 400)
			f.wait(time.Minute)
			wantBodies(t, f.get(t, f.queue(t, "q")))
		}},
		{"the name of a deleted queue is free after 60 seconds", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q")
			if err := fails(f.DeleteQueue(t.Context(), &awssqs.DeleteQueueInput{QueueUrl: url})); err != nil {
				t.Fatal(err)
			}
			f.wait(time.Minute - 1)
			err := create(t, f, "q")
			if !is[*types.QueueDeletedRecently](err) {
				t.Errorf("error %v", err)
			}
			wantError(t, err, "AWS.SimpleQueueService.QueueDeletedRecently", "You must wait 60 seconds after deleting a queue", 400)
			f.wait(1)
			f.queue(t, "q")
		}},
		{"a receipt handle of a deleted queue is not valid for its successor", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q")
			f.put(t, url, "a")
			m := f.get(t, url)
			f.DeleteQueue(t.Context(), &awssqs.DeleteQueueInput{QueueUrl: url})
			f.wait(time.Minute)
			f.queue(t, "q")
			wantError(t, fails(f.DeleteMessage(t.Context(), &awssqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: m[0].ReceiptHandle})), "ReceiptHandleIsInvalid", "is not a valid receipt handle.", 404)
		}},
		{"a queue may be called by its name alone, or by a URL of any host", func(t *testing.T, f *fixture) {
			f.queue(t, "q")
			f.put(t, aws.String("q"), "a")
			f.put(t, aws.String("https://sqs.us-east-1.amazonaws.com/"+account+"/q"), "b")
			wantBodies(t, f.get(t, aws.String("q")), "a", "b")
		}},
		{"ListQueues lists by prefix, in pages when it is asked for pages", func(t *testing.T, f *fixture) {
			for _, name := range []string{"b1", "a2", "a1", "a3"} {
				f.queue(t, name)
			}
			list := func(in awssqs.ListQueuesInput) ([]string, *string) {
				out, err := f.ListQueues(t.Context(), &in)
				if err != nil {
					t.Fatal(err)
				}
				var names []string
				for _, url := range out.QueueUrls {
					names = append(names, url[strings.LastIndex(url, "/")+1:])
				}
				return names, out.NextToken
			}
			if all, next := list(awssqs.ListQueuesInput{}); !slices.Equal(all, []string{"a1", "a2", "a3", "b1"}) || next != nil {
				t.Errorf("all: %v, %v", all, next)
			}
			page, next := list(awssqs.ListQueuesInput{QueueNamePrefix: aws.String("a"), MaxResults: aws.Int32(2)})
			if !slices.Equal(page, []string{"a1", "a2"}) || next == nil {
				t.Fatalf("first page: %v, %v", page, next)
			}
			if page, next = list(awssqs.ListQueuesInput{QueueNamePrefix: aws.String("a"), MaxResults: aws.Int32(2), NextToken: next}); !slices.Equal(page, []string{"a3"}) || next != nil {
				t.Errorf("last page: %v, %v", page, next)
			}
			if none, _ := list(awssqs.ListQueuesInput{QueueNamePrefix: aws.String("z")}); none != nil {
				t.Errorf("none: %v", none)
			}
			wantError(t, fails(f.ListQueues(t.Context(), &awssqs.ListQueuesInput{MaxResults: aws.Int32(1001)})), "InvalidParameterValue", "MaxResults", 400)
			wantError(t, fails(f.ListQueues(t.Context(), &awssqs.ListQueuesInput{MaxResults: aws.Int32(1), NextToken: aws.String("?")})), "InvalidParameterValue", "next token", 400)
		}},
		{"tags are added, changed, removed and listed", func(t *testing.T, f *fixture) {
			out, err := f.CreateQueue(t.Context(), &awssqs.CreateQueueInput{QueueName: aws.String("q"), Tags: map[string]string{"a": "1", "b": ""}})
			if err != nil {
				t.Fatal(err)
			}
			tags := func() map[string]string {
				got, err := f.ListQueueTags(t.Context(), &awssqs.ListQueueTagsInput{QueueUrl: out.QueueUrl})
				if err != nil {
					t.Fatal(err)
				}
				return got.Tags
			}
			if got := tags(); !maps.Equal(got, map[string]string{"a": "1", "b": ""}) {
				t.Errorf("made with %v", got)
			}
			if err := fails(f.TagQueue(t.Context(), &awssqs.TagQueueInput{QueueUrl: out.QueueUrl, Tags: map[string]string{"a": "2", "A": "3"}})); err != nil {
				t.Fatal(err)
			}
			if got := tags(); !maps.Equal(got, map[string]string{"a": "2", "A": "3", "b": ""}) {
				t.Errorf("tagged %v", got)
			}
			if err := fails(f.UntagQueue(t.Context(), &awssqs.UntagQueueInput{QueueUrl: out.QueueUrl, TagKeys: []string{"a", "b", "A", "none"}})); err != nil {
				t.Fatal(err)
			}
			if got := tags(); got != nil {
				t.Errorf("untagged %v", got)
			}
			many := map[string]string{}
			for i := range 51 {
				many[strings.Repeat("k", i+1)] = "v"
			}
			for name, wrong := range map[string]map[string]string{"51": many, "long key": {strings.Repeat("k", 129): ""}, "long value": {"k": strings.Repeat("v", 257)}, "reserved": {"aws:k": ""}} {
				if err := fails(f.TagQueue(t.Context(), &awssqs.TagQueueInput{QueueUrl: out.QueueUrl, Tags: wrong})); !isCode(err, "InvalidParameterValue") {
					t.Errorf("%s: error %v", name, err)
				}
			}
		}},
		{"PurgeQueue deletes all, once in 60 seconds", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q")
			f.put(t, url, "visible")
			f.put(t, url, "in flight")
			f.get(t, url, atMost(1))
			f.put(t, url, "delayed", func(in *awssqs.SendMessageInput) { in.DelaySeconds = 1 })
			purge := func() error { return fails(f.PurgeQueue(t.Context(), &awssqs.PurgeQueueInput{QueueUrl: url})) }
			if err := purge(); err != nil || f.counts(t, url) != [3]string{"0", "0", "0"} {
				t.Fatalf("%v, counts %v", err, f.counts(t, url))
			}
			f.wait(time.Minute - 1)
			err := purge()
			if !is[*types.PurgeQueueInProgress](err) {
				t.Errorf("error %v", err)
			}
			wantError(t, err, "AWS.SimpleQueueService.PurgeQueueInProgress", "Only one PurgeQueue operation on q is allowed every 60 seconds.", 403)
			f.wait(1)
			if err := purge(); err != nil {
				t.Error(err)
			}
		}},
	})
}

// What CreateQueue and SetQueueAttributes refuse, with AWS's codes.
func TestConformanceQueueErrors(t *testing.T) {
	for _, tt := range []struct {
		rule, name string
		attributes []string
		code, text string
	}{
		{"a name has letters, digits, hyphens and underscores", "a b", nil, "InvalidParameterValue", "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"},
		{"a name has no slash", "a/b", nil, "InvalidParameterValue", "Can only include alphanumeric"},
		{"a name has up to 80 characters", strings.Repeat("x", 81), nil, "InvalidParameterValue", "1 to 80 in length"},
		{"the suffix .fifo needs FifoQueue", "q.fifo", nil, "InvalidParameterValue", "Can only include alphanumeric"},
		{"FifoQueue needs the suffix .fifo", "q", []string{"FifoQueue", "true"}, "InvalidParameterValue", "must end with .fifo suffix and be 1 to 80 in length"},
		{"the suffix counts for the length", strings.Repeat("x", 76) + ".fifo", []string{"FifoQueue", "true"}, "InvalidParameterValue", "must end with .fifo suffix"},
		{"a standard queue knows no FifoQueue", "q", []string{"FifoQueue", "false"}, "InvalidAttributeName", "Unknown Attribute FifoQueue."},
		{"a standard queue knows no ContentBasedDeduplication", "q", []string{"ContentBasedDeduplication", "false"}, "InvalidAttributeName", "Unknown Attribute ContentBasedDeduplication."},
		{"a standard queue knows no DeduplicationScope", "q", []string{"DeduplicationScope", "queue"}, "InvalidAttributeName", "You can specify the DeduplicationScope only when FifoQueue is set to true."},
		{"a standard queue knows no FifoThroughputLimit", "q", []string{"FifoThroughputLimit", "perQueue"}, "InvalidAttributeName", "You can specify the FifoThroughputLimit only when FifoQueue is set to true."},
		{"DeduplicationScope is queue or messageGroup", "q.fifo", []string{"FifoQueue", "true", "DeduplicationScope", "x"}, "InvalidAttributeValue", "DeduplicationScope"},
		{"FifoThroughputLimit is perQueue or perMessageGroupId", "q.fifo", []string{"FifoQueue", "true", "FifoThroughputLimit", "x"}, "InvalidAttributeValue", "FifoThroughputLimit"},
		{"perMessageGroupId needs the scope messageGroup", "q.fifo", []string{"FifoQueue", "true", "FifoThroughputLimit", "perMessageGroupId"}, "InvalidAttributeValue", "FifoThroughputLimit"},
		{"an attribute must be known", "q", []string{"Colour", "red"}, "InvalidAttributeName", "Unknown Attribute Colour."},
		{"what is computed cannot be set", "q", []string{"QueueArn", "x"}, "InvalidAttributeName", "Unknown Attribute QueueArn."},
		{"DelaySeconds is at most 900", "q", []string{"DelaySeconds", "901"}, "InvalidAttributeValue", "Invalid value for the parameter DelaySeconds."},
		{"DelaySeconds is a whole number", "q", []string{"DelaySeconds", "1.5"}, "InvalidAttributeValue", "Invalid value for the parameter DelaySeconds."},
		{"DelaySeconds is not empty", "q", []string{"DelaySeconds", ""}, "InvalidAttributeValue", "Invalid value for the parameter DelaySeconds."},
		{"MaximumMessageSize is at least 1024", "q", []string{"MaximumMessageSize", "1023"}, "InvalidAttributeValue", "Invalid value for the parameter MaximumMessageSize."},
		{"MaximumMessageSize is at most 1 MiB", "q", []string{"MaximumMessageSize", "1048577"}, "InvalidAttributeValue", "Invalid value for the parameter MaximumMessageSize."},
		{"MessageRetentionPeriod is at least a minute", "q", []string{"MessageRetentionPeriod", "59"}, "InvalidAttributeValue", "Invalid value for the parameter MessageRetentionPeriod."},
		{"MessageRetentionPeriod is at most 14 days", "q", []string{"MessageRetentionPeriod", "1209601"}, "InvalidAttributeValue", "Invalid value for the parameter MessageRetentionPeriod."},
		{"ReceiveMessageWaitTimeSeconds is at most 20", "q", []string{"ReceiveMessageWaitTimeSeconds", "21"}, "InvalidAttributeValue", "Invalid value for the parameter ReceiveMessageWaitTimeSeconds."},
		{"VisibilityTimeout is at most 12 hours", "q", []string{"VisibilityTimeout", "43201"}, "InvalidAttributeValue", "Invalid value for the parameter VisibilityTimeout."},
		{"KmsDataKeyReusePeriodSeconds is at least a minute", "q", []string{"KmsDataKeyReusePeriodSeconds", "59"}, "InvalidAttributeValue", "Invalid value for the parameter KmsDataKeyReusePeriodSeconds."},
		{"one kind of encryption at a time", "q", []string{"KmsMasterKeyId", "k", "SqsManagedSseEnabled", "true"}, "InvalidAttributeName", "You can either enable KMS SSE or SQS SSE."},
		{"SqsManagedSseEnabled is true or false", "q", []string{"SqsManagedSseEnabled", "yes"}, "InvalidAttributeValue", "Invalid value for the parameter SqsManagedSseEnabled."},
		{"Policy is a policy", "q", []string{"Policy", `{"Statement":[{}]}`}, "InvalidAttributeValue", "Invalid value for the parameter Policy."},
		{"RedrivePolicy is a JSON map", "q", []string{"RedrivePolicy", "[]"}, "InvalidParameterValue", "Redrive policy is not a valid JSON map."},
		{"RedrivePolicy has maxReceiveCount", "q", []string{"RedrivePolicy", `{"deadLetterTargetArn":"x"}`}, "InvalidParameterValue", "Redrive policy does not contain mandatory attribute: maxReceiveCount."},
		{"RedrivePolicy has deadLetterTargetArn", "q", []string{"RedrivePolicy", `{"maxReceiveCount":"1"}`}, "InvalidParameterValue", "Redrive policy does not contain mandatory attribute: deadLetterTargetArn."},
		{"RedrivePolicy has nothing else", "q", []string{"RedrivePolicy", `{"maxReceiveCount":1,"deadLetterTargetArn":"x","z":1}`}, "InvalidParameterValue", "Only following attributes are supported"},
		{"maxReceiveCount is 1 to 1000", "q", []string{"RedrivePolicy", redrive("d", "1001")}, "InvalidParameterValue", "Invalid value for maxReceiveCount: 1001, valid values are from 1 to 1000 both inclusive."},
		{"deadLetterTargetArn is an ARN", "q", []string{"RedrivePolicy", `{"maxReceiveCount":1,"deadLetterTargetArn":"d"}`}, "InvalidParameterValue", "Dead-letter target ARN should be fully qualified ARN."},
		{"the dead-letter queue exists", "q", []string{"RedrivePolicy", redrive("none", "1")}, "InvalidParameterValue", "Dead letter target does not exist."},
		{"the dead-letter queue is of the same account", "q", []string{"RedrivePolicy", `{"maxReceiveCount":1,"deadLetterTargetArn":"arn:aws:sqs:us-east-1:111111111111:d"}`}, "InvalidParameterValue", "Dead-letter target owner should be same as the source."},
		{"the dead-letter queue of a standard queue is a standard queue", "q", []string{"RedrivePolicy", redrive("d.fifo", "1")}, "InvalidParameterValue", "Dead-letter queue must be same type of queue as the source."},
		{"the dead-letter queue of a FIFO queue is a FIFO queue", "q.fifo", []string{"FifoQueue", "true", "RedrivePolicy", redrive("d", "1")}, "InvalidParameterValue", "Dead-letter queue must be same type of queue as the source."},
		{"a queue is not its own dead-letter queue", "q", []string{"RedrivePolicy", redrive("q", "1")}, "InvalidParameterValue", "RedrivePolicy"},
		{"a dead-letter queue may deny all sources", "q", []string{"RedrivePolicy", redrive("deny", "1")}, "InvalidParameterValue", "does not allow " + prefix + "q"},
		{"a dead-letter queue may name its sources", "q", []string{"RedrivePolicy", redrive("one", "1")}, "InvalidParameterValue", "does not allow " + prefix + "q"},
		{"RedriveAllowPolicy has a known permission", "q", []string{"RedriveAllowPolicy", `{"redrivePermission":"some"}`}, "InvalidAttributeValue", "unsupported format"},
		{"byQueue needs source queues", "q", []string{"RedriveAllowPolicy", `{"redrivePermission":"byQueue"}`}, "InvalidParameterValue", "you must also specify one or more sourceQueueArns values."},
		{"source queues need byQueue", "q", []string{"RedriveAllowPolicy", `{"redrivePermission":"denyAll","sourceQueueArns":["` + prefix + `x"]}`}, "InvalidParameterValue", "you must set redrivePermission to byQueue."},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			f := newFixture(t)
			f.queue(t, "d")
			f.queue(t, "d.fifo")
			f.queue(t, "deny", "RedriveAllowPolicy", `{"redrivePermission":"denyAll"}`)
			f.queue(t, "one", "RedriveAllowPolicy", `{"redrivePermission":"byQueue","sourceQueueArns":["`+prefix+`other"]}`)
			attributes := pairs(tt.attributes)
			wantError(t, fails(f.CreateQueue(t.Context(), &awssqs.CreateQueueInput{QueueName: &tt.name, Attributes: attributes})), tt.code, tt.text, 400)
			if len(tt.attributes) == 0 || strings.Contains(tt.rule, "suffix") {
				return
			}
			delete(attributes, "FifoQueue")
			if len(attributes) == 0 {
				return
			}
			url := f.queue(t, tt.name)
			wantError(t, fails(f.SetQueueAttributes(t.Context(), &awssqs.SetQueueAttributesInput{QueueUrl: url, Attributes: attributes})), tt.code, tt.text, 400)
		})
	}
	checkRules(t, []rule{
		{"FifoQueue of a FIFO queue cannot be changed, and can be repeated", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q.fifo")
			f.set(t, url, "FifoQueue", "true")
			wantError(t, fails(f.SetQueueAttributes(t.Context(), &awssqs.SetQueueAttributesInput{QueueUrl: url, Attributes: map[string]string{"FifoQueue": "false"}})),
				"InvalidAttributeValue", "Modifying queue type is not supported.", 400)
		}},
		{"a refused change changes nothing", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q")
			err := fails(f.SetQueueAttributes(t.Context(), &awssqs.SetQueueAttributesInput{QueueUrl: url, Attributes: map[string]string{"DelaySeconds": "5", "VisibilityTimeout": "x"}}))
			if err == nil || f.attribute(t, url, "DelaySeconds") != "0" {
				t.Errorf("error %v, delay %s", err, f.attribute(t, url, "DelaySeconds"))
			}
		}},
		{"maxReceiveCount may be a string", func(t *testing.T, f *fixture) {
			f.queue(t, "d")
			url := f.queue(t, "q", "RedrivePolicy", redrive("d", `"5"`))
			if got := f.attribute(t, url, "RedrivePolicy"); got != redrive("d", "5") {
				t.Errorf("got %s", got)
			}
		}},
	})
}

func TestConformancePermissions(t *testing.T) {
	add := func(t *testing.T, f *fixture, url *string, label string, accounts, actions []string) error {
		return fails(f.AddPermission(t.Context(), &awssqs.AddPermissionInput{QueueUrl: url, Label: &label, AWSAccountIds: accounts, Actions: actions}))
	}
	checkRules(t, []rule{
		{"AddPermission adds a statement to the policy, RemovePermission removes it", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q")
			if err := add(t, f, url, "one", []string{"111111111111"}, []string{"ReceiveMessage"}); err != nil {
				t.Fatal(err)
			}
			one := `{"Sid":"one","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"SQS:ReceiveMessage","Resource":"` + prefix + `q"}`
			two := `{"Sid":"two","Effect":"Allow","Principal":{"AWS":["arn:aws:iam::111111111111:root","arn:aws:iam::222222222222:root"]},"Action":["SQS:SendMessage","SQS:GetQueueUrl"],"Resource":"` + prefix + `q"}`
			head := `{"Version":"2008-10-17","Id":"` + prefix + `q/SQSDefaultPolicy","Statement":[`
			if got := f.attribute(t, url, "Policy"); got != head+one+"]}" {
				t.Errorf("got %s", got)
			}
			if err := add(t, f, url, "two", []string{"111111111111", "222222222222"}, []string{"SendMessage", "GetQueueUrl"}); err != nil {
				t.Fatal(err)
			}
			if got := f.attribute(t, url, "Policy"); got != head+one+","+two+"]}" {
				t.Errorf("got %s", got)
			}
			remove := func(label string) error {
				return fails(f.RemovePermission(t.Context(), &awssqs.RemovePermissionInput{QueueUrl: url, Label: &label}))
			}
			if err := remove("one"); err != nil || f.attribute(t, url, "Policy") != head+two+"]}" {
				t.Errorf("got %s, %v", f.attribute(t, url, "Policy"), err)
			}
			if err := remove("two"); err != nil || f.attribute(t, url, "Policy") != "" {
				t.Errorf("got %s, %v", f.attribute(t, url, "Policy"), err)
			}
			wantError(t, remove("two"), "InvalidParameterValue", "Value two for parameter Label is invalid. Reason: can't find label.", 400)
		}},
		{"a label is there once", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q")
			if err := add(t, f, url, "one", []string{"111111111111"}, []string{"*"}); err != nil {
				t.Fatal(err)
			}
			wantError(t, add(t, f, url, "one", []string{"222222222222"}, []string{"*"}), "InvalidParameterValue", "Value one for parameter Label is invalid. Reason: Already exists.", 400)
		}},
		{"what is no label, account or action is refused", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q")
			wantError(t, add(t, f, url, "a b", []string{"111111111111"}, []string{"*"}), "InvalidParameterValue", "parameter Label", 400)
			wantError(t, add(t, f, url, "l", []string{"1"}, []string{"*"}), "InvalidParameterValue", "Value 1 for parameter PrincipalId is invalid. Reason: Unable to verify.", 400)
			wantError(t, add(t, f, url, "l", []string{"111111111111"}, []string{"CreateQueue"}), "InvalidParameterValue", "Value SQS:CreateQueue for parameter ActionName is invalid.", 400)
			wantError(t, add(t, f, url, "l", []string{}, []string{"*"}), "MissingParameter", "AWSAccountIds", 400)
		}},
		{"a statement has up to 7 actions, a policy up to 20 statements", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q")
			err := add(t, f, url, "l", []string{"111111111111"}, slices.Repeat([]string{"SendMessage"}, 8))
			if !is[*types.OverLimit](err) {
				t.Errorf("error %v", err)
			}
			for i := range 20 {
				if err := add(t, f, url, strings.Repeat("l", i+1), []string{"111111111111"}, []string{"*"}); err != nil {
					t.Fatal(err)
				}
			}
			wantError(t, add(t, f, url, "more", []string{"111111111111"}, []string{"*"}), "OverLimit", "21 statements were found in the submitted policy, max allowed is 20", 403)
		}},
	})
}
