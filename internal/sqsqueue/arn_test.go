package sqsqueue

import "testing"

func TestURL(t *testing.T) {
	tests := []struct{ arn, endpoint, want string }{
		{"arn:aws:sqs:eu-west-1:123456789012:mail", "", "https://sqs.eu-west-1.amazonaws.com/123456789012/mail"},
		{"arn:aws-cn:sqs:cn-north-1:123456789012:mail", "", "https://sqs.cn-north-1.amazonaws.com.cn/123456789012/mail"},
		{"arn:aws-us-gov:sqs:us-gov-west-1:123456789012:x.fifo", "", "https://sqs.us-gov-west-1.amazonaws.com/123456789012/x.fifo"},
		{"arn:aws:sqs:us-east-1:000000000000:x", "http://127.0.0.1:4566", "http://127.0.0.1:4566/000000000000/x"},
	}
	for _, tt := range tests {
		a, err := ParseARN(tt.arn)
		if err != nil {
			t.Fatal(err)
		}
		if got := a.URL(tt.endpoint); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.arn, got, tt.want)
		}
	}
	for _, arn := range []string{"", "arn:aws:sns:us-east-1:1:x", "arn:aws:sqs:us-east-1:1", "arn:aws:sqs::1:x", "https://sqs/1/x"} {
		if _, err := ParseARN(arn); err == nil {
			t.Errorf("%q is taken for the ARN of a queue", arn)
		}
	}
}

func TestFIFO(t *testing.T) {
	for name, want := range map[string]bool{"orders": false, "orders.fifo": true, "fifo": false} {
		if got := (ARN{Name: name}).FIFO(); got != want {
			t.Errorf("%s: FIFO is %t", name, got)
		}
	}
}
