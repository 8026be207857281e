// Package assembly reads a CDK cloud assembly (cdk.out) and says what every
// resource in it would be called once deployed.
//
// CloudFormation templates refer to resources by logical id: {"Ref": "Queue"}
// or {"Fn::GetAtt": ["Queue", "Arn"]}. Only a deployment knows the values. This
// package computes them instead, always the same for the same input, and puts
// them in place of the intrinsic functions, so that whoever runs the assembly
// sees plain JSON:
//
//	a, err := assembly.Load("cdk.out", assembly.Environment{Account: "000000000000", Region: "us-east-1"})
//	for _, r := range a.Resources { // what others refer to comes first
//		fmt.Println(r.Type, r.ARN, r.Properties["QueueName"])
//	}
//
// # Names
//
// A resource with a name of its own keeps it. The others are called
// <stack>-<logical id>, cut to the limit of their type with a hash of the whole
// at the end. Ref and Fn::GetAtt of each type are in one table ([Known]); ARNs
// are of the environment given to [Load].
//
// # What is resolved
//
// Ref, Fn::GetAtt, Fn::Join, Fn::Sub (both forms), Fn::Select, Fn::Split, Fn::If
// with conditions (Fn::Equals, Fn::And, Fn::Or, Fn::Not), Fn::FindInMap,
// Fn::Base64, Fn::ImportValue and Fn::GetStackOutput between stacks of the
// assembly, the pseudo parameters, and parameters that have a default. A
// parameter that is read from SSM Parameter Store (the CDK's BootstrapVersion)
// has no value here: that is an error only where it is used. The Rules section
// serves the deployment itself and is not read.
//
// Everything wrong is reported at once, each with stack, logical id, construct
// path and property: see [Error]. A resource of a type that is not [Known] is
// listed with its place and without properties; its Ref has a value, its
// attributes have none.
package assembly
