package githubaccess

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/vinci-go/vinci/internal/names"
)

// Issuer is who signs the tokens of GitHub Actions.
const Issuer = "token.actions.githubusercontent.com"

// audience is whom the tokens are for: aws-actions/configure-aws-credentials asks
// for that.
const audience = "sts.amazonaws.com"

// sessionSeconds is how long a role's credentials are good: a deployment, ten minutes
// of watching, and a second deployment back must fit in it. AWS takes up to twelve
// hours.
const sessionSeconds = 7200

// keptDays is how long a last good assembly stays after a newer one has taken its
// place.
const keptDays = 90

// object is JSON as it is written.
type object map[string]any

// Template is the CloudFormation template, in JSON, the same for the same options.
// The error is that of [Options.Check].
func Template(o Options) ([]byte, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	if o.Qualifier == "" {
		o.Qualifier = defaultQualifier
	}
	resources, outputs := object{}, object{}
	provider := any(sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:oidc-provider/" + Issuer))
	if !o.ExistingProvider {
		provider = object{"Ref": "GitHub"}
		resources["GitHub"] = object{
			"Type": "AWS::IAM::OIDCProvider",
			// Others of the account may use it by the time this stack goes. No thumbprint
			// is given: IAM trusts GitHub's certificate by its authority.
			"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain",
			"Properties": object{"Url": "https://" + Issuer, "ClientIdList": []any{audience}},
		}
	}
	bucket := false
	for _, e := range o.Environments {
		id := "Role" + logicalID(e.Name)
		resources[id] = o.role(e, provider)
		outputs[id] = object{"Description": "AWS_ROLE_ARN of environment " + e.Name + " on GitHub", "Value": getAtt(id, "Arn")}
		bucket = bucket || e.Deployment != PullRequests
	}
	if bucket {
		for id, r := range releases() {
			resources[id] = r
		}
		outputs["Releases"] = object{"Description": "VINCI_RELEASES: the bucket of the last good assemblies", "Value": object{"Ref": "Releases"}}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	err := e.Encode(object{
		"AWSTemplateFormatVersion": "2010-09-09",
		"Description":              fmt.Sprintf("Access of GitHub Actions of %s/%s to deployments of %s, made by vinci bootstrap github", o.Owner, o.Repo, o.App),
		"Resources":                resources,
		"Outputs":                  outputs,
	})
	return b.Bytes(), err
}

func sub(format string) object { return object{"Fn::Sub": format} }

func getAtt(id, attribute string) object { return object{"Fn::GetAtt": []any{id, attribute}} }

func (o Options) role(e Environment, provider any) object {
	return object{
		"Type": "AWS::IAM::Role",
		"Properties": object{
			"Description":        fmt.Sprintf("GitHub Actions of %s/%s in environment %s, for deployments %s of %s", o.Owner, o.Repo, e.Name, e.Deployment, o.App),
			"MaxSessionDuration": sessionSeconds,
			"AssumeRolePolicyDocument": object{"Version": "2012-10-17", "Statement": []any{object{
				"Sid": "GitHub", "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
				"Principal": object{"Federated": provider},
				// StringEquals and no wildcard: another branch, another repository and
				// another environment have another subject.
				"Condition": object{"StringEquals": object{Issuer + ":aud": audience, Issuer + ":sub": o.Subject(e.Name)}},
			}}},
			"Policies": []any{object{"PolicyName": "deploy", "PolicyDocument": object{"Version": "2012-10-17", "Statement": o.statements(e)}}},
		},
	}
}

func (o Options) statements(e Environment) []any {
	out := []any{o.assumeCDKRoles(), o.readDeliveries(e)}
	if e.Deployment == PullRequests {
		return append(out, object{
			// Which stacks are left of a pull request that is closed. ListStacks knows no
			// resource: "*" is all that AWS takes. It shows names, not templates.
			"Sid": "ListStacks", "Effect": "Allow", "Action": "cloudformation:ListStacks", "Resource": "*",
		})
	}
	key := names.Deployment{App: o.App, ID: e.Deployment}.Release()
	return append(out,
		object{
			// Alarms are resources, but they are asked for by what their names begin with,
			// and that question is judged as one about all of them (alarm:*): a statement
			// with the deployment's names only would refuse it.
			// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html
			"Sid": "ReadAlarms", "Effect": "Allow", "Action": "cloudwatch:DescribeAlarms", "Resource": "*",
		},
		object{
			"Sid": "KeepLastGood", "Effect": "Allow", "Action": []any{"s3:GetObject", "s3:PutObject"},
			"Resource": object{"Fn::Sub": "${Releases.Arn}/" + key},
		},
		object{
			// Without it S3 answers 403 and not 404 when there is no last good one yet.
			"Sid": "FindLastGood", "Effect": "Allow", "Action": "s3:ListBucket", "Resource": getAtt("Releases", "Arn"),
			"Condition": object{"StringEquals": object{"s3:prefix": key}},
		},
	)
}

// assumeCDKRoles names the roles of cdk bootstrap whole, and asks for their tags as
// well, so that no role of another kind under such a name will do. Vinci has no
// container images: the role that publishes them is left out.
//
// https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-env.html
func (o Options) assumeCDKRoles() object {
	var roles, tags []any
	for _, kind := range []string{"deploy", "file-publishing", "lookup"} {
		roles = append(roles, sub(fmt.Sprintf("arn:${AWS::Partition}:iam::${AWS::AccountId}:role/cdk-%s-%s-role-${AWS::AccountId}-${AWS::Region}", o.Qualifier, kind)))
		tags = append(tags, kind)
	}
	return object{
		"Sid": "BecomeCDK", "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": roles,
		"Condition": object{"StringEquals": object{"iam:ResourceTag/aws-cdk:bootstrap-role": tags}},
	}
}

// readDeliveries is for the smoke test, which waits until its events are handled.
func (o Options) readDeliveries(e Environment) object {
	deployments := []string{e.Deployment}
	if e.Deployment == PullRequests {
		// pr* would be production, too.
		deployments = nil
		for digit := range 9 {
			deployments = append(deployments, fmt.Sprintf("pr%d*", digit+1))
		}
	}
	var tables []any
	for _, id := range deployments {
		name := names.Deployment{App: o.App, ID: id}.Table(names.TableDeliveries)
		tables = append(tables, sub("arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/"+name))
	}
	return object{"Sid": "ReadDeliveries", "Effect": "Allow", "Action": "dynamodb:Query", "Resource": tables}
}

// releases are the bucket of the last good assemblies and its policy. It has no name,
// so that two stacks never want the same; it stays when the stack goes.
func releases() map[string]any {
	return map[string]any{
		"Releases": object{
			"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain",
			"Properties": object{
				"BucketEncryption": object{"ServerSideEncryptionConfiguration": []any{
					object{"ServerSideEncryptionByDefault": object{"SSEAlgorithm": "AES256"}}}},
				"OwnershipControls": object{"Rules": []any{object{"ObjectOwnership": "BucketOwnerEnforced"}}},
				"PublicAccessBlockConfiguration": object{
					"BlockPublicAcls": true, "BlockPublicPolicy": true, "IgnorePublicAcls": true, "RestrictPublicBuckets": true},
				"VersioningConfiguration": object{"Status": "Enabled"},
				"LifecycleConfiguration": object{"Rules": []any{object{
					"Id": "Old", "Status": "Enabled",
					"NoncurrentVersionExpiration":    object{"NoncurrentDays": keptDays},
					"AbortIncompleteMultipartUpload": object{"DaysAfterInitiation": 7},
				}}},
			},
		},
		"ReleasesPolicy": object{
			"Type": "AWS::S3::BucketPolicy", "DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain",
			"Properties": object{
				"Bucket": object{"Ref": "Releases"},
				"PolicyDocument": object{"Version": "2012-10-17", "Statement": []any{object{
					"Sid": "TLSOnly", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
					"Resource":  []any{getAtt("Releases", "Arn"), sub("${Releases.Arn}/*")},
					"Condition": object{"Bool": object{"aws:SecureTransport": "false"}},
				}}},
			},
		},
	}
}
