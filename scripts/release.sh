#!/usr/bin/env bash
# release.sh ID [FLAG...]: deploys what assemblies.sh has synthesized for ID, tries it
# and goes back when it does not do. The flags are those of vinci deploy.
set -euo pipefail
id=$1
shift
if [ ! -d ".vinci/assemblies/$id" ]; then
	[ -f .vinci/assemblies.tar.gz ] || { echo "there is no assembly of $id: make assemblies DEPLOYMENTS=$id" >&2; exit 1; }
	tar -xzf .vinci/assemblies.tar.gz -C .vinci
fi
mkdir -p .vinci/bin
./scripts/step.sh "build vinci and the smoke test" go build -o .vinci/bin/ ./cmd/vinci ./scenario/smoke
# shellcheck disable=SC2016 # the variable is for the shell of the smoke test
exec .vinci/bin/vinci deploy --deployment "$id" --assembly ".vinci/assemblies/$id" --smoke '.vinci/bin/smoke --outputs "$VINCI_OUTPUTS"' "$@"
