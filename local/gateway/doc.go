// Package gateway is the one port at which the local runtime speaks AWS's wire
// protocols, so that any SDK and the aws CLI work with AWS_ENDPOINT_URL.
//
// [New] returns an [net/http.Handler] over [Service]s and [RESTService]s. It serves
// the AWS JSON 1.0 and 1.1 protocols, where the X-Amz-Target header names a service
// ("AmazonSQS", "AWSEvents", "DynamoDB_20120810", …) and an operation, and REST-JSON,
// where method and path do. For each call the gateway
//
//  1. reads the body, up to a limit,
//  2. verifies its signature and finds the caller's role and its policies
//     ([Credentials.Authenticate]),
//  3. asks the service what IAM must allow ([Service.Needs]) and refuses with
//     AWS's text and the missing statement, if one is missing,
//  4. lets the service serve, and
//  5. reports the call to [Options.Observer].
//
// # Signatures
//
// Version 4 is verified as AWS does it, in headers and in presigned URLs: the hash
// of the body that came, the session token, the time within five minutes, and the
// region and service that the call is for. So what is wrong with a client's
// credentials, clock or region shows here first. With [Options.Open] the keys that
// nobody issued are let in as the owner's, whatever they sign. Version 4a (several
// regions), version 2 and signed streams are not served.
//
// # Condition keys
//
// Services give a need the keys of their own. The gateway adds the global ones that
// mean something here: aws:PrincipalArn, PrincipalAccount, PrincipalType, userid,
// ResourceAccount, RequestedRegion, CurrentTime, EpochTime, ViaAWSService and
// PrincipalIsAWSService. Others (aws:SourceIp, tags) are absent.
//
// # Others
//
// Beside these it answers two calls of the query protocol: STS GetCallerIdentity,
// so that `aws sts get-caller-identity` shows who the credentials are, and
// AssumeRole, judged by the role's trust policy; and GET / with a short status.
//
// A service answers with [WriteJSON] and [WriteError], which know each service's
// error shape, or writes the response itself.
package gateway
