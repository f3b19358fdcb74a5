#!/usr/bin/env bash
# Starts a Postgres server, two web servers and three workers on this machine, sends them
# signed webhooks (default: 10,000), kills a web server and a worker midway with kill -9,
# and counts what was handled.
#
#     ./postgres.sh [COUNT [A_SECOND]]
#
# PROFILE=release builds with optimizations. KILL=no kills none of them. Ports: PORT (18080) and the
# one after it. POSTGRES_BIN is the folder of the server's programs.
set -euo pipefail
here=$(dirname "$0")
source "$here/common.sh"

count=${1:-10000}
build --bin axum --bin tender --example meta
folder=$(mktemp -d)
trap finish EXIT

start_postgres
export META_APP_SECRET=secret META_VERIFY_TOKEN=token ANSWER=stored TEND=no
first=${PORT:-18080}
webs=() workers=() urls=
for number in 0 1; do
    PORT=$((first + number)) "$bin/axum" >"$folder/web$number" 2>"$folder/web$number.log" &
    webs+=($!)
    said "$folder/web$number.log" "listening on"
    urls+=,http://127.0.0.1:$((first + number))/webhook
done
for number in 0 1 2; do
    "$bin/tender" >"$folder/worker$number" 2>"$folder/worker$number.log" &
    workers+=($!)
    said "$folder/worker$number.log" "working"
done

handled() { cat "$folder"/worker[012] | wc -l; }
# Waits until so many lines are printed, at least.
until_handled() {
    for _ in $(seq 1200); do
        if [ "$(handled)" -ge "$1" ]; then return; fi
        sleep 0.1
    done
}
"$bin/examples/meta" "${urls#,}" "$count" "${@:2}" &
meta=$!
if [ "${KILL:-yes}" = yes ]; then
    until_handled $((count / 2))
    for killed in "${webs[0]}" "${workers[0]}"; do
        kill -9 "$killed"
        wait "$killed" 2>/dev/null || true
    done
    echo "a web server and a worker were killed after $(handled) events"
    unset 'webs[0]' 'workers[0]'
fi
wait "$meta"

keys() { cat "$folder"/worker[012] | grep -o '"key":"[^"]*"' | sort; }
for _ in $(seq 1200); do
    if [ "$(keys | uniq | wc -l)" -ge "$count" ]; then break; fi
    sleep 0.1
done
# Each of them ends with success when it is asked to.
for program in "${webs[@]}" "${workers[@]}"; do
    kill "$program"
    wait "$program"
done
unique=$(keys | uniq | wc -l) twice=$(keys | uniq -d | wc -l)
echo "$unique events were handled, $twice of them twice;" \
    "by the workers: $(for number in 0 1 2; do wc -l <"$folder/worker$number"; done | xargs)"
[ "$unique" -eq "$count" ]
# A worker delivers 8 webhooks at once.
if [ "${KILL:-yes}" = yes ]; then [ "$twice" -le 8 ]; else [ "$twice" -eq 0 ]; fi
# None three times, and none in a web server.
[ "$(keys | wc -l)" -eq $((unique + twice)) ]
[ -z "$(cat "$folder"/web[01])" ]
