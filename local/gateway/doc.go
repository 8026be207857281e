// Package gateway is the one port at which the local runtime speaks AWS's wire
// protocols, so that any SDK and the aws CLI work with AWS_ENDPOINT_URL.
//
// [New] returns an [net/http.Handler] over [Service]s. It serves the AWS JSON 1.0
// and 1.1 protocols: the X-Amz-Target header names a service ("AmazonSQS",
// "AWSEvents", "DynamoDB_20120810", …) and an operation. For each call the gateway
//
//  1. reads the body, up to a limit,
//  2. reads the access key id from the SigV4 Authorization header and finds the
//     caller's role and its policies in [Credentials],
//  3. asks the service what IAM must allow ([Service.Needs]) and refuses with
//     AWS's text and the missing statement, if one is missing,
//  4. lets the service serve, and
//  5. reports the call to [Options.Observer].
//
// The access key id alone says who calls. The signature is not verified: everything
// listens on the loopback interface, and what the gateway protects is the truth of
// the policies, not data. Verification comes with a later issue.
//
// Beside the JSON protocols it answers STS GetCallerIdentity (a query protocol
// call), so that `aws sts get-caller-identity` shows who the credentials are, and
// GET / with a short status.
//
// A service answers with [WriteJSON] and [WriteError], which know each service's
// error shape, or writes the response itself.
package gateway
