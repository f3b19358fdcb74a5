#!/usr/bin/env bash
# Starts a NATS server, the web server and two workers on this machine, sends them
# signed webhooks (10,000 unless you say how many), and counts what was handled.
#
#     ./queue.sh [COUNT [A_SECOND]]
#
# PROFILE=release builds with optimizations. Ports: NATS_PORT (14222), PORT (18080).
set -euo pipefail
cd "$(dirname "$0")"

count=${1:-10000}
nats=${NATS_SERVER:-nats-server}
command -v "$nats" >/dev/null || { echo "there is no $nats: apt-get install nats-server"; exit 1; }

cargo build --quiet --profile "${PROFILE:-dev}" --bins --example meta
profile=${PROFILE:-debug}
bin=${CARGO_TARGET_DIR:-target}/${profile/#dev/debug}

folder=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$folder"' EXIT
export PORT=${PORT:-18080} META_APP_SECRET=secret META_VERIFY_TOKEN=token
export NATS_URL=nats://127.0.0.1:${NATS_PORT:-14222}

# Waits until a file has this line.
said() {
    for _ in $(seq 200); do
        if grep -q -- "$2" "$1" 2>/dev/null; then return; fi
        sleep 0.05
    done
    cat "$1"
    echo "it did not say: $2"
    exit 1
}

"$nats" --addr 127.0.0.1 --port "${NATS_PORT:-14222}" --jetstream --store_dir "$folder/nats" \
    2>"$folder/nats.log" &
said "$folder/nats.log" "Server is ready"
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
