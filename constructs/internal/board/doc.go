// Package board writes the bodies of CloudWatch dashboards: what a deployment has,
// as names, goes in, and JSON comes out, the same bytes for the same names. It knows
// nothing of the CDK.
//
// A body holds ${AWS::Region} and the like, which CloudFormation's Fn::Sub fills in.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
package board
