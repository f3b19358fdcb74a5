#!/usr/bin/env bash
# Starts a NATS server, the web server and two workers on this machine, sends them
# signed webhooks (10,000 unless you say how many), and counts what was handled.
#
#     ./queue.sh [COUNT [A_SECOND]]
#
# PROFILE=release builds with optimizations. Ports: NATS_PORT (default: a free one), PORT (18080).
set -euo pipefail
here=$(dirname "$0")
source "$here/common.sh"

count=${1:-10000}
build --bins --example meta
folder=$(mktemp -d)
trap finish EXIT
export PORT=${PORT:-18080} META_APP_SECRET=secret META_VERIFY_TOKEN=token

start_nats
"$bin/web" 2>"$folder/web.log" &
said "$folder/web.log" "listening on"
workers=()
for worker in 1 2; do
    "$bin/worker" >"$folder/worker$worker" 2>"$folder/worker$worker.log" &
    workers+=($!)
    said "$folder/worker$worker.log" "working"
done

"$bin/examples/meta" "http://127.0.0.1:$PORT/webhook" "$count" "${@:2}"

keys() { cat "$folder"/worker[12] | grep -o '"key":"[^"]*"' | sort; }
for _ in $(seq 1200); do
    if [ "$(keys | wc -l)" -ge "$count" ]; then break; fi
    sleep 0.1
done
# Nothing is cut short.
kill "${workers[@]}"
wait "${workers[@]}"
echo "$(keys | uniq | wc -l) events were handled, $(keys | uniq -d | wc -l) of them twice;" \
    "by the first worker $(wc -l <"$folder/worker1"), by the second $(wc -l <"$folder/worker2")"
[ "$(keys | uniq | wc -l)" -eq "$count" ]
[ -z "$(keys | uniq -d)" ]
