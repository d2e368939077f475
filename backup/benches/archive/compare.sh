#!/usr/bin/env bash
# The archive beside .backup + gzip -6, pigz and restic, on the same events, in turn, in one run. Prints Markdown tables.
# usage: backup/benches/archive/compare.sh [EVENTS [RUNS]]    (1000000, 3: about 4 minutes; 10000000 1: about 15)
# IMPORT=1 measures the import beyond 2 M events too. BENCH_DIR (/tmp) needs about 2 KB of room per event. Installs Debian's sqlite3, gzip, pigz, restic, time, bc where they
# are missing and may be installed.
#
# What each side proves. Backup: ours runs quick_check on its copy before storing it, reads back what it stored and
# compares both SHA-256; the tools check nothing. Restore: ours compares SHA-256 of the stored and of the inflated bytes,
# then runs quick_check and counts; the tools compare gzip's CRC-32 and run integrity_check, which also looks each index
# entry up (our day files have one small index, on the dictionary). Both sync what they write.
set -euo pipefail
events=${1:-1000000}; runs=${2:-3}
# An import of 10 M events takes minutes of its own.
import=${IMPORT:-$((events <= 2000000))}
cd "$(dirname "$0")/../../.."
for tool in sqlite3 gzip pigz restic /usr/bin/time bc; do
  command -v "$tool" >/dev/null || { apt-get update -q; apt-get install -qy --no-install-recommends sqlite3 gzip pigz restic time bc; break; } >&2
done
program=${BENCH:-$(cargo bench -q -p backup --bench archive --no-run --message-format=json \
  | grep -o '"executable":"[^"]*"' | tail -1 | cut -d'"' -f4)}
work=$(mktemp -d "${BENCH_DIR:-/tmp}/archive-bench.XXXXXX"); trap 'rm -rf "$work"' EXIT
export RESTIC_PASSWORD=bench RESTIC_CACHE_DIR="$work/cache"
begun=$SECONDS; say() { echo "$((SECONDS - begun)) s: $*" >&2; }
say "making $events events, twice"
"$program" make "$work" "$events"
day=$(echo "$work"/store/events-*.db)

# measure NAME COMMAND...: one line "NAME wall cpu rss" into the results.
measure() {
  local name=$1; shift; sync
  /usr/bin/time -o "$work/time" -f '%e %U %S %M' bash -c "$*" >/dev/null 2>"$work/said" || { say "$name failed: $*"; cat "$work/said" >&2; exit 1; }
  read -r wall user system rss < <(tail -1 "$work/time")
  echo "$name $wall $(echo "$user + $system" | bc -l) $rss" >>"$work/results"
  say "$name $wall"
}
bytes() { find "$@" -type f -printf '%s\n' | awk '{ sum += $1 } END { print sum + 0 }'; }
size() { [ "$run" != 1 ] || echo "$1 $2" >>"$work/sizes"; }
# All rows that the day gained after an event, and nothing else, in tables as ours; then only the changes.
new_rows() {
  sqlite3 "$work/new.db" "ATTACH '$day' AS s;
    CREATE TABLE changes (id INTEGER PRIMARY KEY, series INTEGER NOT NULL, value, string, position, at INTEGER);
    INSERT INTO changes SELECT * FROM s.changes WHERE id > $1;"
  size 'the new changes alone, in a database, gzip -6' "$(gzip -6 -c "$work/new.db" | wc -c)"
  sqlite3 "$work/new.db" "ATTACH '$day' AS s;
    CREATE TABLE keyframes (id INTEGER PRIMARY KEY, reason, count); INSERT INTO keyframes SELECT * FROM s.keyframes WHERE id > $1;
    CREATE TABLE keyframe_states (keyframe, series, value, string, position, PRIMARY KEY (keyframe, series)) WITHOUT ROWID;
    INSERT INTO keyframe_states SELECT * FROM s.keyframe_states WHERE keyframe > $1;
    CREATE TABLE gaps (id INTEGER PRIMARY KEY, from_ms, to_ms, why); INSERT INTO gaps SELECT * FROM s.gaps WHERE id > $1;"
  size 'all new rows (changes, keyframes, gaps), in a database, gzip -6' "$(gzip -6 -c "$work/new.db" | wc -c)"
  rm "$work/new.db"
}

for run in $(seq "$runs"); do
  rm -rf "$work"/{archive,restored,imported,out,repo,repo-ours,cache}; mkdir "$work/out"
  measure ours-first "'$program' backup '$work'"
  size 'archive' "$(bytes "$work/archive")"
  measure ours-restore "'$program' restore '$work'"
  measure ours-verify "'$program' verify '$work'"
  measure ours-deep "'$program' deep '$work'"
  rm -rf "$work/restored"
  measure own-gzip "sqlite3 '$day' \".backup '$work/out/own.db'\"; gzip -6 -c '$work/out/own.db' >'$work/out/own.db.gz'; sync '$work/out/own.db.gz'"
  size 'our file, gzip -6' "$(bytes "$work/out/own.db.gz")"
  measure own-gunzip "gunzip -c '$work/out/own.db.gz' >'$work/out/back.db'; sqlite3 '$work/out/back.db' 'PRAGMA integrity_check'; sync '$work/out/back.db'"
  measure own-pigz "sqlite3 '$day' \".backup '$work/out/own.db'\"; pigz -6 -c '$work/out/own.db' >'$work/out/own-pigz.gz'; sync '$work/out/own-pigz.gz'"
  restic -q -r "$work/repo-ours" init
  measure own-restic "sqlite3 '$day' \".backup '$work/out/own.db'\"; restic -q -r '$work/repo-ours' backup '$work/out/own.db'"
  rm -rf "$work"/out/own* "$work/repo-ours"
  measure wide-gzip "sqlite3 '$work/wide.db' \".backup '$work/out/wide.db'\"; gzip -6 -c '$work/out/wide.db' >'$work/out/wide.db.gz'; sync '$work/out/wide.db.gz'"
  size 'wide table, gzip -6' "$(bytes "$work/out/wide.db.gz")"
  measure wide-gunzip "gunzip -c '$work/out/wide.db.gz' >'$work/out/back.db'; sqlite3 '$work/out/back.db' 'PRAGMA integrity_check'; sync '$work/out/back.db'"
  rm -f "$work"/out/*.gz "$work/out/back.db"
  restic -q -r "$work/repo" init
  measure wide-restic "sqlite3 '$work/wide.db' \".backup '$work/out/wide.db'\"; restic -q -r '$work/repo' backup '$work/out/wide.db'"
  # One percent more. The tools begin again from the whole: `.backup` + gzip takes what it took.
  if [ "$run" != "$runs" ]; then cp -r "$work/store" "$work/store.keep"; cp "$work/wide.db" "$work/wide.keep"; fi
  last=$(sqlite3 "$day" 'SELECT max(id) FROM changes')
  "$program" grow "$work" "$events"
  new_rows "$last"
  before=$(bytes "$work/archive"); restic_before=$(bytes "$work/repo")
  measure ours-grown "'$program' backup '$work'"
  size 'added by +1 %: ours' "$(( $(bytes "$work/archive") - before ))"
  measure wide-restic-grown "sqlite3 '$work/wide.db' \".backup '$work/out/wide.db'\"; restic -q -r '$work/repo' backup '$work/out/wide.db'"
  size 'added by +1 %: restic of the wide table' "$(( $(bytes "$work/repo") - restic_before ))"
  rm -rf "$work"/out/wide* "$work/repo" "$work/cache"
  measure ours-json "'$program' export '$work' out.json"; rm "$work/out.json"
  measure ours-csv "'$program' export '$work' out.csv.gz"
  if [ "$run" = "$runs" ] && [ "$import" = 1 ]; then measure ours-import "'$program' import '$work' out.csv.gz"; rm -rf "$work/imported"; fi
  rm "$work/out.csv.gz"
  measure ours-prune "'$program' prune '$work'"
  if [ "$run" != "$runs" ]; then
    rm -rf "$work/store" "$work"/wide.db*; mv "$work/store.keep" "$work/store"; mv "$work/wide.keep" "$work/wide.db"
  fi
done

median() { awk -v n="$1" -v c="$2" '$1 == n { print $c }' "$work/results" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
row() { printf '| %s | %.2f | %.2f | %.0f |\n' "$2" "$(median "$1" 2)" "$(median "$1" 3)" "$(echo "$(median "$1" 4) / 1024" | bc -l)"; }
sized() { awk -v n="$1" 'index($0, n) == 1 { print $NF }' "$work/sizes"; }
times() { printf '| %s | %.1f × | %s |\n' "$1" "$(echo "$(median "$3" 2) / $(median "$2" 2)" | bc -l)" "$4"; }
part() { printf '| %s | %.2f × | %s |\n' "$1" "$(echo "$(sized "$2") / $(sized "$3")" | bc -l)" "$4"; }
echo "$events events, $runs run(s), medians, in $((SECONDS - begun)) s; load now: $(cut -d' ' -f1-3 /proc/loadavg)"
echo; echo '| what | wall s | CPU s | peak MiB |'; echo '| --- | --- | --- | --- |'
row ours-first 'first backup, verified: ours'
row wide-gzip '.backup + gzip -6, wide table'; row own-gzip '.backup + gzip -6, our file'; row own-pigz '.backup + pigz -6, our file'
row wide-restic '.backup + restic, wide table'; row own-restic '.backup + restic, our file'
row ours-grown 'backup after +1 %: ours'; row wide-restic-grown '.backup + restic, wide table'
row ours-restore 'restore, checked: ours'; row wide-gunzip 'gunzip + integrity_check, wide table'; row own-gunzip 'gunzip + integrity_check, our file'
row ours-verify 'verify the archive: ours'; row ours-deep 'verify --deep: ours'
row ours-json 'export as JSON: ours'; row ours-csv 'export as CSV, gzipped: ours'; [ "$import" = 0 ] || row ours-import 'import of that: ours'; row ours-prune 'prune: ours'
echo; echo '| bytes | all | per event |'; echo '| --- | --- | --- |'
while IFS= read -r line; do
  of=$events; case $line in added*|*new*) of=$((events / 100));; esac
  printf '| %s | %s | %.1f |\n' "${line% *}" "${line##* }" "$(echo "${line##* } / $of" | bc -l)"
done <"$work/sizes"
echo; echo '| against the budgets (wall) | measured | wanted |'; echo '| --- | --- | --- |'
times 'first backup, beside .backup + gzip of the wide table' ours-first wide-gzip '15'
times 'the same, of our file' ours-first own-gzip '3'
times 'the same, restic of the wide table' ours-first wide-restic '6'
times 'after +1 %, beside .backup + gzip of the wide table' ours-grown wide-gzip '150'
times 'the same, restic' ours-grown wide-restic-grown '60'
times 'restore, beside gunzip + integrity_check of the wide table' ours-restore wide-gunzip '35'
times 'the same, of our file' ours-restore own-gunzip '2'
part 'added by +1 %, of all new rows compressed' 'added by +1 %: ours' 'all new rows' 'at most 1.1'
part 'the same, of the new changes alone' 'added by +1 %: ours' 'the new changes' ''
part 'archive, of the wide table'"'"'s .gz' 'archive ' 'wide table' 'at most 0.20'
