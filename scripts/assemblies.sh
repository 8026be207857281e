#!/usr/bin/env bash
# assemblies.sh ID...: synthesizes deployments into .vinci/assemblies/<ID>, and packs
# them all into .vinci/assemblies.tar.gz, with the modes of their files: Lambda starts
# no function that is not executable, and GitHub's artifacts forget modes. What is
# deployed in one place is what was tried in another: the functions' code must be the
# same in all of them. ARGS goes to the CDK CLI.
set -euo pipefail
[ $# -gt 0 ] || { echo "no deployment is named: make assemblies DEPLOYMENTS=\"staging prod\"" >&2; exit 1; }
out=.vinci/assemblies
rm -rf "$out" "$out.tar.gz"
mkdir -p "$out"
for id; do
	# ARGS are words, as of make synth.
	# shellcheck disable=SC2086
	./scripts/step.sh "synthesize $id" cdk synth --quiet -c "deployment=$id" -o "$out/$id" ${ARGS:-}
	if ! diff <(cd "$out/$1" && ls -d asset.*) <(cd "$out/$id" && ls -d asset.*) >&2; then
		echo "assemblies: the functions of $id are not those of $1 (above): what was tried there would not be what is deployed here" >&2
		exit 1
	fi
done
tar -czf "$out.tar.gz" -C .vinci assemblies
