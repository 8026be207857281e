package gateway

// SigningName may be implemented by a [Service] or [RESTService]: it is the
// service's name in the credential scope of a signature, as "lambda". A call that
// is signed for another service is refused. The names of the services whose
// X-Amz-Target is known here need not be told; without any name the scope's
// service is not checked.
type SigningName interface {
	// SigningName is the same at every call.
	SigningName() string
}

// signingName is the name that calls of a service are signed with, "" when it is
// not known.
//
// https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
func signingName(service any, prefix string) string {
	if s, ok := service.(SigningName); ok {
		return s.SigningName()
	}
	switch prefix {
	case "DynamoDB_20120810", "DynamoDBStreams_20120810":
		return "dynamodb"
	case targetSQS:
		return "sqs"
	case "AWSEvents":
		return "events"
	default:
		return ""
	}
}
