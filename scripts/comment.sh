#!/usr/bin/env bash
# comment.sh NUMBER FILE: writes FILE as the pull request's one comment of this kind:
# the first time a new one, later in its place. Needs GITHUB_REPOSITORY, and GH_TOKEN
# with pull-requests: write.
set -euo pipefail
number=$1
file=$2
marker='<!-- vinci template diff -->'
body=$(mktemp)
trap 'rm -f "$body"' EXIT
{ echo "$marker"; cat "$file"; } > "$body"
comments="repos/$GITHUB_REPOSITORY/issues/$number/comments"
# Only its own: a person's comment may begin with the same words.
ids=$(gh api --paginate "$comments" --jq ".[] | select(.user.login == \"github-actions[bot]\" and (.body | startswith(\"$marker\"))) | .id")
if [ -n "$ids" ]; then
	gh api --silent --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/${ids%%$'\n'*}" -F "body=@$body"
else
	gh api --silent --method POST "$comments" -F "body=@$body"
fi
