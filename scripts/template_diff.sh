#!/usr/bin/env bash
# template_diff.sh COMMIT: what the working copy would change of a deployment of
# COMMIT, in .vinci/diff/diff.md and on standard output. It needs no AWS account.
set -euo pipefail
base=$(git rev-parse --verify --quiet "$1^{commit}") || { echo "there is no commit $1 here: fetch it, or name another one with BASE=" >&2; exit 1; }
out=$PWD/.vinci/diff
git worktree remove --force "$out/base" 2>/dev/null || true # of a run that was killed
rm -rf "$out"
git worktree prune
mkdir -p "$out"
trap 'git worktree remove --force "$out/base"' EXIT
git worktree add --quiet --detach "$out/base" "$base"
if cmp -s package-lock.json "$out/base/package-lock.json"; then
	ln -s "$PWD/node_modules" "$out/base/node_modules"
else
	./scripts/step.sh "install the npm packages of $1" npm ci --prefix "$out/base" --no-fund --no-audit --loglevel=error
fi
synth() ( # FOLDER NAME: into .vinci/diff/NAME
	cd "$1"
	PATH="$PWD/node_modules/.bin:$PATH" cdk synth --quiet -c deployment=ci -o "$out/$2"
)
CDK_VALIDATION=false synth "$out/base" old
synth . new
mkdir -p .vinci/bin
go build -o .vinci/bin/ ./cmd/vinci
.vinci/bin/vinci diff "$out/old" "$out/new"
.vinci/bin/vinci diff "$out/old" "$out/new" --format markdown --max-bytes 60000 > "$out/diff.md"
if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then cat "$out/diff.md" >> "$GITHUB_STEP_SUMMARY"; fi
