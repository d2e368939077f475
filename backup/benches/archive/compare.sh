#!/usr/bin/env bash
# The archive beside .backup + gzip -6, pigz and restic, on the same events, in turn, in one run. Prints a Markdown table.
# usage: backup/benches/archive/compare.sh [EVENTS [RUNS]]      (1000000, 3)
# Installs Debian's sqlite3, gzip, pigz, restic, time where they are missing and may be installed.
set -euo pipefail
events=${1:-1000000}; runs=${2:-3}
cd "$(dirname "$0")/../../.."
for tool in sqlite3 gzip pigz restic /usr/bin/time; do
  command -v "$tool" >/dev/null || { apt-get update -q; apt-get install -qy --no-install-recommends sqlite3 gzip pigz restic time; break; } >&2
done
program=$(cargo bench -q -p backup --bench archive --no-run --message-format=json \
  | grep -o '"executable":"[^"]*"' | tail -1 | cut -d'"' -f4)
work=$(mktemp -d "${BENCH_DIR:-/tmp}/archive-bench.XXXXXX"); trap 'rm -rf "$work"' EXIT
export RESTIC_PASSWORD=bench RESTIC_CACHE_DIR="$work/cache"
echo "making $events events, twice" >&2
"$program" make "$work" "$events"
day=$(echo "$work"/store/events-*.db)

# measure NAME COMMAND...: one line "NAME wall cpu rss" into the results.
measure() {
  local name=$1; shift; sync
  /usr/bin/time -o "$work/time" -f '%e %U %S %M' bash -c "$*" >/dev/null 2>&1 || { echo "$name failed: $*" >&2; exit 1; }
  read -r wall user system rss < <(tail -1 "$work/time")
  echo "$name $wall $(echo "$user + $system" | bc -l) $rss" >>"$work/results"
}
bytes() { find "$@" -type f -printf '%s\n' | awk '{ sum += $1 } END { print sum + 0 }'; }
size() { echo "$1 $2" >>"$work/sizes"; }

for run in $(seq "$runs"); do
  rm -rf "$work"/{archive,restored,out,repo,repo-ours,cache}; mkdir "$work/out"
  # First backup.
  measure ours-first "'$program' backup '$work'"
  measure wide-gzip "sqlite3 '$work/wide.db' \".backup '$work/out/wide.db'\"; gzip -6 -c '$work/out/wide.db' >'$work/out/wide.db.gz'; sync '$work/out/wide.db.gz'"
  measure own-gzip "sqlite3 '$day' \".backup '$work/out/own.db'\"; gzip -6 -c '$work/out/own.db' >'$work/out/own.db.gz'; sync '$work/out/own.db.gz'"
  measure own-pigz "sqlite3 '$day' \".backup '$work/out/own.db'\"; pigz -6 -c '$work/out/own.db' >'$work/out/own-pigz.gz'; sync '$work/out/own-pigz.gz'"
  restic -q -r "$work/repo" init; restic -q -r "$work/repo-ours" init
  measure wide-restic "sqlite3 '$work/wide.db' \".backup '$work/out/wide.db'\"; restic -q -r '$work/repo' backup '$work/out/wide.db'"
  measure own-restic "sqlite3 '$day' \".backup '$work/out/own.db'\"; restic -q -r '$work/repo-ours' backup '$work/out/own.db'"
  [ "$run" = 1 ] && { size archive-first "$(bytes "$work/archive")"; size wide-gz "$(bytes "$work/out/wide.db.gz")"; size own-gz "$(bytes "$work/out/own.db.gz")"; size restic "$(bytes "$work/repo")"; size wide "$(bytes "$work/wide.db")"; size own "$(bytes "$day")"; }
  # Restore, checked.
  measure ours-restore "'$program' restore '$work'"
  measure wide-gunzip "gunzip -c '$work/out/wide.db.gz' >'$work/out/back.db'; sqlite3 '$work/out/back.db' 'PRAGMA integrity_check'; sync '$work/out/back.db'"
  measure own-gunzip "gunzip -c '$work/out/own.db.gz' >'$work/out/back.db'; sqlite3 '$work/out/back.db' 'PRAGMA integrity_check'; sync '$work/out/back.db'"
  measure ours-verify "'$program' verify '$work'"
  # One percent more, on copies so that each run begins alike.
  cp -r "$work/store" "$work/store.keep"; cp "$work/wide.db" "$work/wide.keep"
  "$program" grow "$work" "$events"
  before=$(bytes "$work/archive"); restic_before=$(bytes "$work/repo")
  measure ours-grown "'$program' backup '$work'"
  [ "$run" = 1 ] && size archive-grown "$(( $(bytes "$work/archive") - before ))"
  measure wide-gzip-grown "sqlite3 '$work/wide.db' \".backup '$work/out/wide.db'\"; gzip -6 -c '$work/out/wide.db' >'$work/out/wide.db.gz'; sync '$work/out/wide.db.gz'"
  measure wide-restic-grown "sqlite3 '$work/wide.db' \".backup '$work/out/wide.db'\"; restic -q -r '$work/repo' backup '$work/out/wide.db'"
  [ "$run" = 1 ] && size restic-grown "$(( $(bytes "$work/repo") - restic_before ))"
  rm -rf "$work/store" "$work"/wide.db*; mv "$work/store.keep" "$work/store"; mv "$work/wide.keep" "$work/wide.db"
done

median() { awk -v n="$1" -v c="$2" '$1 == n { print $c }' "$work/results" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
row() { printf '| %s | %.2f | %.2f | %.0f |\n' "$2" "$(median "$1" 2)" "$(median "$1" 3)" "$(echo "$(median "$1" 4) / 1024" | bc -l)"; }
echo "$events events, $runs runs, medians; wall and CPU seconds, peak RSS of the largest process"
echo; echo '| what | wall s | CPU s | MiB |'; echo '| --- | --- | --- | --- |'
row ours-first 'first backup, verified: ours'
row wide-gzip '.backup + gzip -6, wide table'; row own-gzip '.backup + gzip -6, our file'; row own-pigz '.backup + pigz -6, our file'
row wide-restic '.backup + restic, wide table'; row own-restic '.backup + restic, our file'
row ours-grown 'backup after +1 %: ours'; row wide-gzip-grown '.backup + gzip -6, wide table'; row wide-restic-grown '.backup + restic, wide table'
row ours-restore 'restore, checked: ours'; row wide-gunzip 'gunzip + integrity_check, wide table'; row own-gunzip 'gunzip + integrity_check, our file'
row ours-verify 'verify the archive: ours'
echo; echo '| bytes | per event |'; echo '| --- | --- |'
while read -r name value; do printf '| %s: %s | %.1f |\n' "$name" "$value" "$(echo "$value / $events" | bc -l)"; done <"$work/sizes"
