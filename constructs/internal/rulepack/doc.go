// Package rulepack judges a synthesized cloud assembly by Vinci's own rules: what
// AWS would refuse, lose or leave open, and neither the CDK nor cdk-nag sees.
//
// It reads templates and nothing else, so it judges the framework's resources and
// those of an application's own stacks alike, and costs milliseconds. An expression
// whose value only CloudFormation knows (a parameter, a condition) is not judged.
//
// A finding can be justified, unless AWS refuses what it is about: by an
// [Exception], or in the resource's metadata ([MetadataKey]), which is how the
// framework justifies its own.
package rulepack
