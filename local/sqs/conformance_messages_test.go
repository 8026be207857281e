package sqs_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/vinci-go/vinci/local/sqs"
)

func text(s string) types.MessageAttributeValue {
	return types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &s}
}

func TestConformanceSend(t *testing.T) {
	checkRules(t, []rule{
		{"a message has an id and the MD5s of body, attributes and system attributes", func(t *testing.T, f *fixture) {
			// The digests are those that AWS was seen to answer.
			out := f.put(t, f.queue(t, "q"), "Test Message", func(in *awssqs.SendMessageInput) {
				in.MessageAttributes = map[string]types.MessageAttributeValue{"UserId": {DataType: aws.String("Number.bigint"), StringValue: aws.String("1234567890123456789012")}}
				in.MessageSystemAttributes = map[string]types.MessageSystemAttributeValue{"AWSTraceHeader": {DataType: aws.String("String"), StringValue: aws.String("some-trace-id")}}
			})
			if aws.ToString(out.MD5OfMessageBody) != "d1d4180b7e411c4be86b00fb2ee103eb" || aws.ToString(out.MD5OfMessageAttributes) != "797ab158d73dcb5242dedc4412c8e855" ||
				aws.ToString(out.MD5OfMessageSystemAttributes) != "fdce4f2818803f2f73becc09a54792c0" || len(aws.ToString(out.MessageId)) != 36 || out.SequenceNumber != nil {
				t.Errorf("got %+v", out)
			}
		}},
		{"system attributes have no effect on the MD5 of the attributes", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q")
			attributes := func(in *awssqs.SendMessageInput) {
				in.MessageAttributes = map[string]types.MessageAttributeValue{"k": text("v")}
			}
			plain := f.put(t, url, "a", attributes)
			traced := f.put(t, url, "a", attributes, func(in *awssqs.SendMessageInput) {
				in.MessageSystemAttributes = map[string]types.MessageSystemAttributeValue{"AWSTraceHeader": {DataType: aws.String("String"), StringValue: aws.String("x")}}
			})
			if *plain.MD5OfMessageAttributes != *traced.MD5OfMessageAttributes || plain.MD5OfMessageSystemAttributes != nil {
				t.Errorf("%+v and %+v", plain, traced)
			}
		}},
		{"a message may have 1 MiB with its attributes, and not a byte more", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q")
			attributes := func(in *awssqs.SendMessageInput) {
				in.MessageAttributes = map[string]types.MessageAttributeValue{"k": text("v")} // 1 + 6 + 1
			}
			f.put(t, url, strings.Repeat("x", 1<<20-8), attributes)
			in := &awssqs.SendMessageInput{QueueUrl: url, MessageBody: aws.String(strings.Repeat("x", 1<<20-7))}
			attributes(in)
			wantError(t, fails(f.SendMessage(t.Context(), in)), "InvalidParameterValue", "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes.", 400)
			small := f.queue(t, "small", "MaximumMessageSize", "1024")
			f.put(t, small, strings.Repeat("x", 1024))
			wantError(t, fails(f.SendMessage(t.Context(), &awssqs.SendMessageInput{QueueUrl: small, MessageBody: aws.String(strings.Repeat("é", 512) + "x")})),
				"InvalidParameterValue", "Message must be shorter than 1024 bytes.", 400)
		}},
		{"a delay hides a message at first, its own before the queue's", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q", "DelaySeconds", "10")
			f.put(t, url, "ten")
			f.put(t, url, "twenty", func(in *awssqs.SendMessageInput) { in.DelaySeconds = 20 })
			if got := f.counts(t, url); got != [3]string{"0", "0", "2"} {
				t.Errorf("counts %v", got)
			}
			wantBodies(t, f.get(t, url))
			f.wait(10 * time.Second)
			wantBodies(t, f.get(t, url), "ten")
			f.wait(10 * time.Second)
			wantBodies(t, f.get(t, url), "twenty")
		}},
		{"a message's own delay of 0 is before the queue's", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q", "DelaySeconds", "10")
			call(t, f.service, "SendMessage", `{"QueueUrl":"q","MessageBody":"a","DelaySeconds":0}`) // the SDK for Go leaves a 0 out
			wantBodies(t, f.get(t, url), "a")
		}},
		{"a changed delay is not for messages that are there", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q", "DelaySeconds", "10")
			f.put(t, url, "a")
			f.set(t, url, "DelaySeconds", "0")
			wantBodies(t, f.get(t, url))
		}},
		{"a message that is kept too long is gone", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q", "MessageRetentionPeriod", "60")
			f.put(t, url, "old")
			f.wait(time.Minute)
			f.put(t, url, "new")
			f.wait(time.Millisecond)
			if got := f.counts(t, url); got != [3]string{"1", "0", "0"} {
				t.Errorf("counts %v", got)
			}
			wantBodies(t, f.get(t, url), "new")
		}},
		{"a standard queue takes a MessageGroupId and hands it on (fair queues)", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q")
			for _, body := range []string{"a", "b"} {
				out := f.put(t, url, body, func(in *awssqs.SendMessageInput) { in.MessageGroupId = aws.String("tenant") })
				if out.SequenceNumber != nil {
					t.Errorf("got %+v", out)
				}
			}
			got := f.get(t, url)
			wantBodies(t, got, "a", "b")
			if got[0].Attributes["MessageGroupId"] != "tenant" {
				t.Errorf("attributes %v", got[0].Attributes)
			}
		}},
	})
	sys := func(name, kind, value string) func(*awssqs.SendMessageInput) {
		return func(in *awssqs.SendMessageInput) {
			in.MessageSystemAttributes = map[string]types.MessageSystemAttributeValue{name: {DataType: &kind, StringValue: &value}}
		}
	}
	attr := func(name string, v types.MessageAttributeValue) func(*awssqs.SendMessageInput) {
		return func(in *awssqs.SendMessageInput) {
			in.MessageAttributes = map[string]types.MessageAttributeValue{name: v}
		}
	}
	body := func(s string) func(*awssqs.SendMessageInput) {
		return func(in *awssqs.SendMessageInput) { in.MessageBody = &s }
	}
	typed := func(kind string) types.MessageAttributeValue {
		return types.MessageAttributeValue{DataType: &kind, StringValue: aws.String("v")}
	}
	for _, tt := range []struct {
		rule       string
		change     func(*awssqs.SendMessageInput)
		code, text string
	}{
		{"a body is not empty", body(""), "MissingParameter", "The request must contain the parameter MessageBody."},
		{"a body has only characters of XML", body("a\x00"), "InvalidMessageContents", "Invalid binary character '#x0' was found in the message body, the set of allowed characters is #x9 | #xA | #xD | #x20 to #xD7FF"},
		{"a body has no U+FFFF", body("\uffff"), "InvalidMessageContents", "'#xFFFF'"},
		{"DelaySeconds is at most 900", func(in *awssqs.SendMessageInput) { in.DelaySeconds = 901 }, "InvalidParameterValue", "Value 901 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900."},
		{"a standard queue takes no MessageDeduplicationId", func(in *awssqs.SendMessageInput) { in.MessageDeduplicationId = aws.String("d") }, "InvalidParameterValue", "Value d for parameter MessageDeduplicationId is invalid."},
		{"a MessageGroupId is not empty", func(in *awssqs.SendMessageInput) { in.MessageGroupId = aws.String("") }, "InvalidParameterValue", "Value  for parameter MessageGroupId is invalid. Reason: MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length."},
		{"a MessageGroupId has no spaces", func(in *awssqs.SendMessageInput) { in.MessageGroupId = aws.String("a b") }, "InvalidParameterValue", "Value a b for parameter MessageGroupId is invalid."},
		{"a MessageGroupId has up to 128 characters", func(in *awssqs.SendMessageInput) { in.MessageGroupId = aws.String(strings.Repeat("g", 129)) }, "InvalidParameterValue", "1 to 128 in length."},
		{"AWSTraceHeader is the one system attribute", sys("X", "String", "v"), "InvalidParameterValue", "Message system attribute name 'X' is invalid."},
		{"AWSTraceHeader is a string", sys("AWSTraceHeader", "Number", "1"), "InvalidParameterValue", "AWSTraceHeader"},
		{"up to 10 attributes", func(in *awssqs.SendMessageInput) {
			in.MessageAttributes = map[string]types.MessageAttributeValue{}
			for i := range 11 {
				in.MessageAttributes[fmt.Sprint("a", i)] = text("v")
			}
		}, "InvalidParameterValue", "Number of message attributes [11] exceeds the allowed maximum [10]."},
		{"an attribute's name is not empty", attr("", text("v")), "InvalidParameterValue", "non-empty message (user) attribute names"},
		{"an attribute's name does not begin with AWS.", attr("aWs.x", text("v")), "InvalidParameterValue", "reserved for internal use"},
		{"an attribute's name does not begin with Amazon.", attr("amazon.x", text("v")), "InvalidParameterValue", "reserved for internal use"},
		{"an attribute's name does not end with a period", attr("x.", text("v")), "InvalidParameterValue", "cannot start or end with '.'"},
		{"an attribute's name has no two periods in a row", attr("x..y", text("v")), "InvalidParameterValue", "Periods cannot follow each other"},
		{"an attribute's name has letters, digits, periods, hyphens and underscores", attr("x!", text("v")), "InvalidParameterValue", "attributes name can only contain"},
		{"an attribute's name has up to 256 characters", attr(strings.Repeat("x", 257), text("v")), "InvalidParameterValue", "must be shorter than 256 Bytes"},
		{"an attribute's type is String, Number or Binary", attr("x", typed("Text")), "InvalidParameterValue", "You must use only the following supported type prefixes: Binary, Number, String."},
		{"an attribute's type has up to 256 characters", attr("x", typed("String."+strings.Repeat("x", 250))), "InvalidParameterValue", "types must be shorter than 256 Bytes"},
		{"a String is not empty", attr("x", text("")), "InvalidParameterValue", "Message (user) attribute 'x' must contain a non-empty value of type 'String'."},
		{"a String has only characters of XML", attr("x", text("\x08")), "InvalidParameterValue", "'#x8'"},
		{"a Number is a number", attr("x", typed("Number")), "InvalidParameterValue", "Can't cast the value of message (user) attribute 'x' to a number."},
		{"a Binary is not empty", attr("x", typed("Binary")), "InvalidParameterValue", "Message (user) attribute 'x' must contain a non-empty value of type 'Binary'."},
		{"lists are not supported", attr("x", types.MessageAttributeValue{DataType: aws.String("String"), StringListValues: []string{"a"}}), "AWS.SimpleQueueService.UnsupportedOperation", "Message attribute list values in SendMessage operation are not supported."},
		{"the queue exists", func(in *awssqs.SendMessageInput) { in.QueueUrl = aws.String("none") }, "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist."},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			f := newFixture(t)
			in := &awssqs.SendMessageInput{QueueUrl: f.queue(t, "q"), MessageBody: aws.String("body")}
			tt.change(in)
			wantError(t, fails(f.SendMessage(t.Context(), in)), tt.code, tt.text, 400)
		})
	}
}

func TestConformanceReceive(t *testing.T) {
	checkRules(t, []rule{
		{"a message has the system attributes that are asked for", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q", "VisibilityTimeout", "0")
			f.put(t, url, "a", func(in *awssqs.SendMessageInput) {
				in.MessageSystemAttributes = map[string]types.MessageSystemAttributeValue{"AWSTraceHeader": {DataType: aws.String("String"), StringValue: aws.String("Root=1")}}
			})
			f.wait(time.Second)
			want := map[string]string{"SenderId": account, "SentTimestamp": "1795176000000", "ApproximateReceiveCount": "1", "ApproximateFirstReceiveTimestamp": "1795176001000", "AWSTraceHeader": "Root=1"}
			if got := f.get(t, url); len(got) != 1 || !maps.Equal(got[0].Attributes, want) {
				t.Fatalf("got %+v", got)
			}
			f.wait(time.Second)
			want["ApproximateReceiveCount"] = "2"
			for name, ask := range map[string]func(*awssqs.ReceiveMessageInput){
				"one": func(in *awssqs.ReceiveMessageInput) {
					in.MessageSystemAttributeNames = []types.MessageSystemAttributeName{"SenderId", "SequenceNumber"}
				},
				"none": func(in *awssqs.ReceiveMessageInput) { in.MessageSystemAttributeNames = nil },
			} {
				keep := map[string]string{"SenderId": account}
				if name == "none" {
					keep = nil
				}
				if got := f.get(t, url, ask); len(got) != 1 || !maps.Equal(got[0].Attributes, keep) {
					t.Errorf("%s: got %+v", name, got)
				}
			}
		}},
		{"system attributes may be asked for by the older parameter AttributeNames", func(t *testing.T, f *fixture) {
			f.put(t, f.queue(t, "q"), "a")
			if got := call(t, f.service, "ReceiveMessage", `{"QueueUrl":"q","AttributeNames":["SenderId"]}`); !strings.Contains(got, `"Attributes":{"SenderId":"`+account+`"}`) {
				t.Errorf("got %s", got)
			}
		}},
		{"a message has the attributes that are asked for, and their MD5", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q", "VisibilityTimeout", "0")
			f.put(t, url, "msg", func(in *awssqs.SendMessageInput) {
				in.MessageAttributes = map[string]types.MessageAttributeValue{"Help.Me": text("Me"), "Hello": text("There"), "General": text("Kenobi")}
			})
			// The digests are those that AWS was seen to answer.
			const all, two, hello = "4c360f3fdafd970e05fae2f149d997f5", "fca026605781cb4126a1e9044df24232", "a311262e065454b75da111d535b8dacd"
			for _, tt := range []struct {
				ask, want []string
				md5       string
			}{
				{nil, nil, ""},
				{[]string{"All"}, []string{"General", "Hello", "Help.Me"}, all},
				{[]string{"*"}, []string{"General", "Hello", "Help.Me"}, all},
				{[]string{".*"}, []string{"General", "Hello", "Help.Me"}, all},
				{[]string{"Foo", "Help"}, nil, ""},
				{[]string{"Hello", "General"}, []string{"General", "Hello"}, two},
				{[]string{"Foo", "Hello"}, []string{"Hello"}, hello},
				{[]string{"Hel.*"}, []string{"Hello", "Help.Me"}, "x"},
				{[]string{"AWS."}, nil, ""},
				{[]string{"..foo"}, nil, ""},
			} {
				got := f.get(t, url, func(in *awssqs.ReceiveMessageInput) { in.MessageAttributeNames = tt.ask })
				if len(got) != 1 || !slices.Equal(slices.Sorted(maps.Keys(got[0].MessageAttributes)), tt.want) {
					t.Fatalf("%q: got %+v", tt.ask, got)
				}
				if md5 := aws.ToString(got[0].MD5OfMessageAttributes); tt.md5 != "x" && md5 != tt.md5 {
					t.Errorf("%q: MD5 %s, want %s", tt.ask, md5, tt.md5)
				}
			}
		}},
		{"attributes come back as they were sent", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q")
			f.put(t, url, "a", func(in *awssqs.SendMessageInput) {
				in.MessageAttributes = map[string]types.MessageAttributeValue{"b": {DataType: aws.String("Binary.png"), BinaryValue: []byte{0, 255}},
					"n": {DataType: aws.String("Number"), StringValue: aws.String("-1.50e3")}, "s": text("é\t<&>")}
			})
			got := f.get(t, url)[0].MessageAttributes
			if string(got["b"].BinaryValue) != "\x00\xff" || *got["b"].DataType != "Binary.png" || *got["n"].StringValue != "-1.50e3" || *got["s"].StringValue != "é\t<&>" || got["s"].BinaryValue != nil {
				t.Errorf("got %+v", got)
			}
		}},
		{"up to ten messages at once, one if not asked", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q")
			for i := range 12 {
				f.put(t, url, fmt.Sprint(i))
			}
			out, err := f.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: url})
			if err != nil || len(out.Messages) != 1 || len(f.get(t, url)) != 10 || len(f.get(t, url)) != 1 {
				t.Errorf("got %v, %v", out, err)
			}
		}},
		{"a long poll waits, and wakes at once when a message comes", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q")
			got := make(chan []types.Message)
			go func() {
				out, err := f.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: url, WaitTimeSeconds: 20})
				if err != nil {
					t.Error(err)
				}
				got <- out.Messages
			}()
			started := time.Now()
			f.put(t, url, "a")
			wantBodies(t, <-got, "a")
			if d := time.Since(started); d > 10*time.Second {
				t.Errorf("it took %v", d)
			}
		}},
		{"a long poll ends without messages after its time", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q", "ReceiveMessageWaitTimeSeconds", "1")
			started := time.Now()
			wantBodies(t, f.get(t, url))
			if d := time.Since(started); d < time.Second {
				t.Errorf("it took %v", d)
			}
		}},
		{"120,000 messages in flight are the limit", func(t *testing.T, f *fixture) {
			if testing.Short() {
				t.Skip("it sends many messages")
			}
			url := f.queue(t, "q", "VisibilityTimeout", "60")
			parcels := make([]sqs.Parcel, 10_000)
			for i := range parcels {
				parcels[i] = sqs.Parcel{QueueARN: prefix + "q", Outgoing: sqs.Outgoing{Body: "x"}}
			}
			for range 12 {
				for _, err := range f.service.SendAll(t.Context(), parcels) {
					if err != nil {
						t.Fatal(err)
					}
				}
				if m := receive(t, f.service, "q", sqs.ReceiveOptions{Max: 10_000}); len(m) != 10_000 {
					t.Fatalf("received %d", len(m))
				}
			}
			f.put(t, url, "one more")
			err := fails(f.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: url}))
			if !is[*types.OverLimit](err) {
				t.Errorf("error %v", err)
			}
			wantError(t, err, "OverLimit", "", 403)
			if out, err := f.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: url, WaitTimeSeconds: 1}); err != nil || out.Messages != nil {
				t.Errorf("a long poll: %v, %v; want neither a message nor an error", out, err)
			}
			f.wait(time.Minute)
			if got := f.get(t, url, atMost(1)); len(got) != 1 {
				t.Errorf("got %v after the time-out", got)
			}
		}},
	})
	for _, tt := range []struct {
		rule       string
		in         awssqs.ReceiveMessageInput
		code, text string
	}{
		{"MaxNumberOfMessages is 1 to 10", awssqs.ReceiveMessageInput{MaxNumberOfMessages: 11}, "InvalidParameterValue", "Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided."},
		{"WaitTimeSeconds is at most 20", awssqs.ReceiveMessageInput{WaitTimeSeconds: 21}, "InvalidParameterValue", "Value 21 for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided."},
		{"WaitTimeSeconds is not negative", awssqs.ReceiveMessageInput{WaitTimeSeconds: -1}, "InvalidParameterValue", "Value -1 for parameter WaitTimeSeconds is invalid."},
		{"VisibilityTimeout is at most 12 hours", awssqs.ReceiveMessageInput{VisibilityTimeout: 43201}, "InvalidParameterValue", "VisibilityTimeout"},
		{"a system attribute's name is known", awssqs.ReceiveMessageInput{MessageSystemAttributeNames: []types.MessageSystemAttributeName{"X"}}, "InvalidAttributeName", "Unknown Attribute X."},
		{"a standard queue takes no ReceiveRequestAttemptId", awssqs.ReceiveMessageInput{ReceiveRequestAttemptId: aws.String("a")}, "InvalidParameterValue", "ReceiveRequestAttemptId"},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			f := newFixture(t)
			tt.in.QueueUrl = f.queue(t, "q")
			wantError(t, fails(f.ReceiveMessage(t.Context(), &tt.in)), tt.code, tt.text, 400)
		})
	}
}

func TestConformanceVisibility(t *testing.T) {
	checkRules(t, []rule{
		{"a received message is hidden for the queue's time-out, or the receive's own", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q", "VisibilityTimeout", "10")
			f.put(t, url, "a")
			f.put(t, url, "b")
			f.get(t, url, atMost(1))
			f.get(t, url, func(in *awssqs.ReceiveMessageInput) { in.VisibilityTimeout = 20 })
			if got := f.counts(t, url); got != [3]string{"0", "2", "0"} {
				t.Errorf("counts %v", got)
			}
			f.wait(10*time.Second - 1)
			wantBodies(t, f.get(t, url))
			f.wait(1)
			wantBodies(t, f.get(t, url), "a")
			f.wait(10 * time.Second)
			wantBodies(t, f.get(t, url), "a", "b")
		}},
		{"a changed time-out counts from the change", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q")
			f.put(t, url, "a")
			m := f.get(t, url)[0]
			f.wait(20 * time.Second)
			if err := f.change(t, url, m, 60); err != nil {
				t.Fatal(err)
			}
			f.wait(time.Minute - 1)
			wantBodies(t, f.get(t, url))
			f.wait(1)
			wantBodies(t, f.get(t, url), "a")
		}},
		{"a change is for this receive only", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q")
			f.put(t, url, "a")
			if err := f.change(t, url, f.get(t, url)[0], 60); err != nil {
				t.Fatal(err)
			}
			f.wait(time.Minute)
			f.get(t, url)
			f.wait(30 * time.Second)
			wantBodies(t, f.get(t, url), "a")
		}},
		{"0 makes a message visible at once", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q")
			f.put(t, url, "a")
			if err := f.change(t, url, f.get(t, url)[0], 0); err != nil {
				t.Fatal(err)
			}
			if got := f.get(t, url); len(got) != 1 || got[0].Attributes["ApproximateReceiveCount"] != "2" {
				t.Errorf("got %+v", got)
			}
		}},
		{"12 hours in all are the limit", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q")
			f.put(t, url, "a")
			m := f.get(t, url)[0]
			f.wait(time.Second)
			if err := f.change(t, url, m, 43199); err != nil {
				t.Error(err)
			}
			wantError(t, f.change(t, url, m, 43200), "InvalidParameterValue", "Total VisibilityTimeout for the message is beyond the limit [43200 seconds].", 400)
			wantError(t, f.change(t, url, m, 43201), "InvalidParameterValue", "VisibilityTimeout", 400)
		}},
		{"a message that is visible again is MessageNotInflight", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q")
			f.put(t, url, "a")
			m := f.get(t, url)[0]
			f.wait(30 * time.Second)
			err := f.change(t, url, m, 10)
			if !is[*types.MessageNotInflight](err) {
				t.Errorf("error %v", err)
			}
			wantError(t, err, "AWS.SimpleQueueService.MessageNotInflight", "", 400)
			wantBodies(t, f.get(t, url), "a")
		}},
		{"a deleted message cannot be changed, nor with an earlier handle", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q")
			f.put(t, url, "a")
			first := f.get(t, url)[0]
			f.wait(30 * time.Second)
			second := f.get(t, url)[0]
			wantError(t, f.change(t, url, first, 1), "InvalidParameterValue", "Value "+*first.ReceiptHandle+" for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.", 400)
			f.delete(t, url, second)
			wantError(t, f.change(t, url, second, 1), "InvalidParameterValue", "Message does not exist or is not available for visibility timeout change.", 400)
		}},
		{"what is no receipt handle is refused", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q")
			garbage := types.Message{ReceiptHandle: aws.String("garbage")}
			err := f.change(t, url, garbage, 1)
			if !is[*types.ReceiptHandleIsInvalid](err) {
				t.Errorf("error %v", err)
			}
			wantError(t, err, "ReceiptHandleIsInvalid", `The input receipt handle "garbage" is not a valid receipt handle.`, 404)
			wantError(t, fails(f.DeleteMessage(t.Context(), &awssqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: garbage.ReceiptHandle})), "ReceiptHandleIsInvalid", `"garbage"`, 404)
		}},
		{"deleting twice is no error", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q")
			f.put(t, url, "a")
			m := f.get(t, url)[0]
			f.delete(t, url, m, m, m)
		}},
		{"a message can be deleted after its time-out, while nobody received it again", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q")
			f.put(t, url, "a")
			m := f.get(t, url)[0]
			f.wait(time.Minute)
			f.delete(t, url, m)
			wantBodies(t, f.get(t, url))
		}},
		{"the handle of an earlier receive deletes nothing, without error", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q")
			f.put(t, url, "a")
			m := f.get(t, url)[0]
			f.wait(time.Minute)
			f.get(t, url)
			f.delete(t, url, m)
			if got := f.counts(t, url); got != [3]string{"0", "1", "0"} {
				t.Errorf("counts %v", got)
			}
		}},
	})
}

func TestConformanceBatches(t *testing.T) {
	send := func(entries ...types.SendMessageBatchRequestEntry) func(*testing.T, *fixture, *string) error {
		return func(t *testing.T, f *fixture, url *string) error {
			return fails(f.SendMessageBatch(t.Context(), &awssqs.SendMessageBatchInput{QueueUrl: url, Entries: entries}))
		}
	}
	remove := func(ids ...string) func(*testing.T, *fixture, *string) error {
		return func(t *testing.T, f *fixture, url *string) error {
			in := &awssqs.DeleteMessageBatchInput{QueueUrl: url, Entries: []types.DeleteMessageBatchRequestEntry{}}
			for _, id := range ids {
				in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{Id: &id, ReceiptHandle: aws.String("x")})
			}
			return fails(f.DeleteMessageBatch(t.Context(), in))
		}
	}
	change := func(ids ...string) func(*testing.T, *fixture, *string) error {
		return func(t *testing.T, f *fixture, url *string) error {
			in := &awssqs.ChangeMessageVisibilityBatchInput{QueueUrl: url, Entries: []types.ChangeMessageVisibilityBatchRequestEntry{}}
			for _, id := range ids {
				in.Entries = append(in.Entries, types.ChangeMessageVisibilityBatchRequestEntry{Id: &id, ReceiptHandle: aws.String("x")})
			}
			return fails(f.ChangeMessageVisibilityBatch(t.Context(), in))
		}
	}
	entry := func(id, body string) types.SendMessageBatchRequestEntry {
		return types.SendMessageBatchRequestEntry{Id: &id, MessageBody: &body}
	}
	entries := func(ids ...string) []types.SendMessageBatchRequestEntry {
		all := []types.SendMessageBatchRequestEntry{}
		for _, id := range ids {
			all = append(all, entry(id, "a"))
		}
		return all
	}
	eleven := strings.Split("0123456789a", "")
	half := strings.Repeat("x", 1<<19)
	for _, tt := range []struct {
		rule       string
		call       func(*testing.T, *fixture, *string) error
		code, text string
	}{
		{"a batch of sends is not empty", send(entries()...), "EmptyBatchRequest", "There should be at least one SendMessageBatchRequestEntry in the request."},
		{"a batch of deletions is not empty", remove(), "EmptyBatchRequest", "DeleteMessageBatchRequestEntry"},
		{"a batch of changes is not empty", change(), "EmptyBatchRequest", "ChangeMessageVisibilityBatchRequestEntry"},
		{"a batch of sends has up to ten entries", send(entries(eleven...)...), "TooManyEntriesInBatchRequest", "Maximum number of entries per request are 10. You have sent 11."},
		{"a batch of deletions has up to ten entries", remove(eleven...), "TooManyEntriesInBatchRequest", "You have sent 11."},
		{"a batch of changes has up to ten entries", change(eleven...), "TooManyEntriesInBatchRequest", "You have sent 11."},
		{"the ids of a batch of sends are distinct", send(entries("a", "a")...), "BatchEntryIdsNotDistinct", "Id a repeated."},
		{"the ids of a batch of deletions are distinct", remove("a", "a"), "BatchEntryIdsNotDistinct", "Id a repeated."},
		{"the ids of a batch of changes are distinct", change("a", "a"), "BatchEntryIdsNotDistinct", "Id a repeated."},
		{"an id has letters, digits, hyphens and underscores", send(entries("a b")...), "InvalidBatchEntryId", "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long."},
		{"an id has up to 80 characters", remove(strings.Repeat("x", 81)), "InvalidBatchEntryId", "80 letters"},
		{"a batch has up to 1 MiB in all", send(entry("a", half), entry("b", half+"x")), "BatchRequestTooLong", "Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes."},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			f := newFixture(t)
			url := f.queue(t, "q")
			wantError(t, tt.call(t, f, url), "AWS.SimpleQueueService."+tt.code, tt.text, 400)
			if got := f.counts(t, url); got[0] != "0" {
				t.Errorf("counts %v: something was sent", got)
			}
		})
	}
	checkRules(t, []rule{
		{"each entry of a batch of sends succeeds or fails by itself", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q", "MaximumMessageSize", "1024")
			late := entry("late", "a")
			late.DelaySeconds = 901
			out, err := f.SendMessageBatch(t.Context(), &awssqs.SendMessageBatchInput{QueueUrl: url,
				Entries: []types.SendMessageBatchRequestEntry{entry("ok", "a"), entry("bad", "\x01"), late, entry("long", strings.Repeat("x", 1025)), entry("empty", ""), entry("ok2", "b")}})
			if err != nil || len(out.Successful) != 2 || *out.Successful[0].Id != "ok" || *out.Successful[1].Id != "ok2" || len(*out.Successful[0].MessageId) != 36 {
				t.Fatalf("got %+v, %v", out, err)
			}
			var failed []string
			for _, e := range out.Failed {
				failed = append(failed, fmt.Sprintf("%s %s %v", *e.Id, *e.Code, e.SenderFault))
			}
			if want := []string{"bad InvalidMessageContents true", "late InvalidParameterValue true", "long InvalidParameterValue true", "empty MissingParameter true"}; !slices.Equal(failed, want) {
				t.Errorf("failed %q, want %q", failed, want)
			}
			if want := "One or more parameters cannot be validated. Reason: Message must be shorter than 1024 bytes."; *out.Failed[2].Message != want {
				t.Errorf("%s; want %s", *out.Failed[2].Message, want)
			}
			wantBodies(t, f.get(t, url), "a", "b")
		}},
		{"each entry of a batch of changes and of deletions succeeds or fails by itself", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q")
			f.put(t, url, "a")
			f.put(t, url, "b")
			m := f.get(t, url)
			changed, err := f.ChangeMessageVisibilityBatch(t.Context(), &awssqs.ChangeMessageVisibilityBatchInput{QueueUrl: url, Entries: []types.ChangeMessageVisibilityBatchRequestEntry{
				{Id: aws.String("ok"), ReceiptHandle: m[0].ReceiptHandle, VisibilityTimeout: 60},
				{Id: aws.String("bad"), ReceiptHandle: aws.String("x"), VisibilityTimeout: 60},
				{Id: aws.String("long"), ReceiptHandle: m[1].ReceiptHandle, VisibilityTimeout: 43201},
			}})
			if err != nil || len(changed.Successful) != 1 || *changed.Successful[0].Id != "ok" || len(changed.Failed) != 2 ||
				*changed.Failed[0].Code != "ReceiptHandleIsInvalid" || !changed.Failed[0].SenderFault || *changed.Failed[1].Code != "InvalidParameterValue" {
				t.Errorf("got %+v, %v", changed, err)
			}
			deleted, err := f.DeleteMessageBatch(t.Context(), &awssqs.DeleteMessageBatchInput{QueueUrl: url, Entries: []types.DeleteMessageBatchRequestEntry{
				{Id: aws.String("bad"), ReceiptHandle: aws.String("x")}, {Id: aws.String("ok"), ReceiptHandle: m[0].ReceiptHandle},
			}})
			if err != nil || len(deleted.Successful) != 1 || *deleted.Successful[0].Id != "ok" || len(deleted.Failed) != 1 || *deleted.Failed[0].Code != "ReceiptHandleIsInvalid" {
				t.Errorf("got %+v, %v", deleted, err)
			}
			f.wait(time.Minute)
			wantBodies(t, f.get(t, url), "b")
		}},
		{"a batch of changes to 0 makes messages visible at once", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q")
			f.put(t, url, "a")
			out, err := f.ChangeMessageVisibilityBatch(t.Context(), &awssqs.ChangeMessageVisibilityBatchInput{QueueUrl: url,
				Entries: []types.ChangeMessageVisibilityBatchRequestEntry{{Id: aws.String("a"), ReceiptHandle: f.get(t, url)[0].ReceiptHandle}}})
			if err != nil || len(out.Successful) != 1 {
				t.Errorf("got %+v, %v", out, err)
			}
			wantBodies(t, f.get(t, url), "a")
		}},
		{"a batch for a queue that does not exist fails as a whole", func(t *testing.T, f *fixture) {
			wantError(t, remove("a")(t, f, aws.String("none")), "AWS.SimpleQueueService.NonExistentQueue", "", 400)
			wantError(t, change("a")(t, f, aws.String("none")), "AWS.SimpleQueueService.NonExistentQueue", "", 400)
			wantError(t, send(entries("a")...)(t, f, aws.String("none")), "AWS.SimpleQueueService.NonExistentQueue", "", 400)
		}},
	})
}
