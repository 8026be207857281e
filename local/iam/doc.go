// Package iam judges calls against IAM policy documents, as AWS does, for the
// local runtime: what a role may not do on AWS it may not do on the laptop.
//
// A [Document] is one parsed policy. [Parse] reads an identity policy (a role's
// policy: no Principal), [ParseResource] a resource policy (a queue's policy:
// every statement has a Principal). Both refuse what they do not understand: an
// unknown operator or element that were skipped would let through on the laptop
// what AWS denies, or the other way round.
//
// [Policies.Decide] answers for a role, [Document.DecideFor] for a principal that
// a resource's own policy names, [Evaluate] for both together in one account. The
// answer is a [Decision]: it names the statement that decided, and when none
// allowed, [Decision.Missing] is the statement to add.
//
// # The rules
//
// An explicit deny wins over every allow; without an allow the answer is no
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html).
// Inside one account an allow from the identity policies or from the resource
// policy is enough. Permission boundaries, session policies and service control
// policies do not exist here.
//
// Actions are compared without regard to case, resources with it. "*" and "?"
// are wildcards. An ARN is compared part by part: a wildcard does not reach over
// one of its first five colons, and missing parts at its end are read as "*"
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html).
//
// # Conditions
//
// Served are the String, Arn, Numeric, Date, Bool and Null operators, with IfExists
// and with ForAllValues and ForAnyValue. The binary and IP address operators are
// refused at load: calls here have no such values. Policy variables
// (${aws:username}) are refused at load too: a function's role knows no user.
//
// A key with several values needs ForAllValues or ForAnyValue. Without either it
// matches nothing, so that a statement which forgot it fails here first.
//
// aws:SecureTransport is always "true" here unless the [Need] says otherwise. The
// gateway speaks plain HTTP on the loopback interface, where nobody listens in;
// on AWS the SDK uses TLS. Judged by the wire, every queue whose policy denies
// plain HTTP (the CDK's EnforceSSL) would refuse every local call, and the policy
// would have to differ between laptop and AWS.
//
// Everything in this package is immutable after parsing and safe for concurrent
// use.
package iam
