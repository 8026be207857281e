#!/usr/bin/env bash
# step.sh WHAT COMMAND...: runs the command; says what it does and, when it took
# over two seconds, how long it took.
set -u
what=$1
shift
start=$(date +%s%N)
echo "-> $what"
"$@"
status=$?
took=$((($(date +%s%N) - start) / 100000000))
if [ $status -ne 0 ]; then
	echo "-> $what: FAILED (exit $status) after $((took / 10)).$((took % 10))s" >&2
elif [ $took -gt 20 ]; then
	echo "-> $what: done in $((took / 10)).$((took % 10))s"
fi
exit $status
