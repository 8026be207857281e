#!/usr/bin/env bash
# account.sh: says after a failed CDK command what about the AWS account is
# likely to be the cause; says nothing when nothing looks wrong.
set -u
if [ -n "${AWS_ENDPOINT_URL:-}" ]; then
	echo "AWS_ENDPOINT_URL is set: CDK commands go to $AWS_ENDPOINT_URL and not to AWS. Unset it together with the credentials that came with it." >&2
elif [ -z "${AWS_PROFILE:-}${AWS_ACCESS_KEY_ID:-}${AWS_WEB_IDENTITY_TOKEN_FILE:-}${AWS_CONTAINER_CREDENTIALS_RELATIVE_URI:-}${AWS_CONTAINER_CREDENTIALS_FULL_URI:-}" ] &&
	[ ! -e "${AWS_SHARED_CREDENTIALS_FILE:-$HOME/.aws/credentials}" ] && [ ! -e "${AWS_CONFIG_FILE:-$HOME/.aws/config}" ]; then
	echo "No AWS credentials were found: name a profile (AWS_PROFILE) or export AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, with AWS_REGION. A new account and region need \`cdk bootstrap\` once (node_modules/.bin/cdk)." >&2
fi
