#!/usr/bin/env bash
# preview.sh up|down ID: deploys a pull request's deployment, or deletes it. Only an
# id such as pr12 is taken, because what it has is deleted with it.
set -euo pipefail
id=$2
[[ $id =~ ^pr[1-9][0-9]*$ ]] || { echo "deployment $id is none of a pull request: its id is pr and the number" >&2; exit 1; }
case $1 in
up)
	ARGS="-c vinci:ephemeral=true ${ARGS:-}" ./scripts/assemblies.sh "$id"
	exec ./scripts/release.sh "$id" --no-alarms
	;;
down)
	# shellcheck disable=SC2086
	./scripts/step.sh "destroy $id" cdk destroy --all --force -c "deployment=$id" -c vinci:ephemeral=true -o .vinci/assemblies/down ${ARGS:-}
	# Stacks that an earlier commit of the pull request had are not in the application
	# any more, and cdk destroy does not know them. Other applications have a pr12, too.
	app=$(sed -n 's/.*"vinci:application": *"\([a-z0-9-]*\)".*/\1/p;T;q' .vinci/assemblies/down/manifest.json)
	[ -n "$app" ] || { echo "nobody knows what is left of $id: the assembly does not say its application" >&2; exit 1; }
	left=$(aws cloudformation list-stacks --output text \
		--query "StackSummaries[?starts_with(StackName, '$app-$id-') && StackStatus != 'DELETE_COMPLETE' && ParentId == null].StackName")
	[ -z "$left" ] || { echo "these stacks of $id are left, delete them by hand: $left" >&2; exit 1; }
	;;
*)
	echo "$1: it is up or down" >&2
	exit 1
	;;
esac
