// Package templatediff compares two cloud assemblies of the CDK, template by
// template, without an AWS account: what a deployment of the second one would
// change, if the first one were deployed.
//
//	before, err := templatediff.Load("base/cdk.out")
//	after, err := templatediff.Load("cdk.out")
//	d := templatediff.Compare(before, after)
//	err = d.Markdown(os.Stdout, 60_000)
//
// A resource is known by its stack and its logical id, as CloudFormation knows it:
// one that moved to another stack is removed here and added there.
//
// Outputs, metadata and the order of resources (DependsOn) are not compared: no
// resource is changed by them.
//
// # What replaces
//
// CloudFormation cannot change every property in place. For the types that Vinci
// makes a written table ([Replaces]) says which properties are made anew, and with
// them the resource. A resource whose own such property refers to one that is
// replaced is replaced with it. Of another type it is not known, and the difference
// says so.
//
// # What is dangerous
//
// A [Danger] is what a reviewer should not have to find: data that goes away or is no
// longer protected, rights that grow, events that go elsewhere, a name that two
// resources have for a moment. It is said beside the change, and again at the top.
//
// Everything is in one order for the same input: stacks by name, resources by their
// path, properties by their name.
package templatediff
