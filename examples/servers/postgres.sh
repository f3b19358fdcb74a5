#!/usr/bin/env bash
# Starts a Postgres server, two web servers and three workers on this machine, sends them
# signed webhooks (default: 10,000), kills a web server and a worker midway with kill -9,
# and counts what was handled.
#
#     ./postgres.sh [COUNT [A_SECOND]]
#
# PROFILE=release builds with optimizations. KILL=no kills none of them. Ports: POSTGRES_PORT
# (15432), PORT (18080) and the one after it. POSTGRES_BIN is the folder of the server's programs.
set -euo pipefail
cd "$(dirname "$0")"

count=${1:-10000}
# Debian's package has its programs outside the path.
PATH=${POSTGRES_BIN:+$POSTGRES_BIN:}$PATH:$(echo /usr/lib/postgresql/*/bin | tr ' ' ':')
command -v initdb >/dev/null || { echo "there is no Postgres: apt-get install postgresql"; exit 1; }
# The server refuses to run as root.
postgres() {
    if [ "$(id -u)" -eq 0 ]; then (cd / && runuser -u postgres -- env PATH="$PATH" "$@"); else "$@"; fi
}

cargo build --quiet --profile "${PROFILE:-dev}" --bin axum --bin tender --example meta
profile=${PROFILE:-debug}
bin=${CARGO_TARGET_DIR:-target}/${profile/#dev/debug}

folder=$(mktemp -d)
data=$(postgres mktemp -d)
finish() {
    kill $(jobs -p) 2>/dev/null || true
    wait
    postgres pg_ctl -D "$data" -m immediate stop >/dev/null 2>&1 || true
    rm -rf "$folder" "$data"
}
trap finish EXIT

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

port=${POSTGRES_PORT:-15432}
postgres initdb -D "$data" -U postgres -A trust -E UTF8 --no-locale --no-sync >/dev/null
postgres pg_ctl -D "$data" -w -l "$data/log" \
    -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories=$data" start >/dev/null ||
    { cat "$data/log"; exit 1; }

export DATABASE=postgres://postgres@127.0.0.1:$port/postgres
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
