# What the scripts of this folder share. They set `folder`, a temporary folder, and call `finish`
# when they end.

# Builds programs, with the profile PROFILE (default: dev), and sets `bin` to their folder.
build() {
    cargo build --quiet --manifest-path "$here/Cargo.toml" --profile "${PROFILE:-dev}" "$@"
    local profile=${PROFILE:-debug}
    bin=${CARGO_TARGET_DIR:-$here/target}/${profile/#dev/debug}
}

# Ends all programs and servers, and removes their files. A second Ctrl-C does not stop it midway,
# which would leave the server of Postgres behind.
finish() {
    trap '' INT TERM
    kill $(jobs -p) 2>/dev/null || true
    wait
    if [ -n "${data:-}" ]; then
        postgres pg_ctl -D "$data" -m immediate stop >/dev/null 2>&1 || true
        rm -rf "$data"
    fi
    rm -rf "$folder"
}

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

# Starts a NATS server on a free port, or on NATS_PORT, and sets NATS_URL.
start_nats() {
    local nats=${NATS_SERVER:-nats-server} port
    command -v "$nats" >/dev/null || { echo "there is no $nats: apt-get install nats-server"; exit 1; }
    "$nats" --addr 127.0.0.1 --port "${NATS_PORT:--1}" --jetstream --store_dir "$folder/nats" \
        2>"$folder/nats.log" &
    said "$folder/nats.log" "Server is ready"
    port=$(sed -n 's/.*client connections on .*://p' "$folder/nats.log")
    export NATS_URL=nats://127.0.0.1:$port
}

# Runs a program of Postgres. The server refuses to run as root.
postgres() {
    if [ "$(id -u)" -eq 0 ]; then (cd / && runuser -u postgres -- env PATH="$PATH" "$@"); else "$@"; fi
}

# Starts a Postgres server, which listens on a socket in its folder, and sets DATABASE.
start_postgres() {
    # Debian's package has its programs outside the path.
    PATH=${POSTGRES_BIN:+$POSTGRES_BIN:}$PATH:$(echo /usr/lib/postgresql/*/bin | tr ' ' ':')
    command -v initdb >/dev/null || { echo "there is no Postgres: apt-get install postgresql"; exit 1; }
    data=$(postgres mktemp -d)
    postgres initdb -D "$data" -U postgres -A trust -E UTF8 --no-locale --no-sync >/dev/null
    postgres pg_ctl -D "$data" -w -l "$data/log" -o "-h '' -k $data" start >/dev/null ||
        { cat "$data/log"; exit 1; }
    export DATABASE="postgres://postgres@/postgres?host=$data"
}
