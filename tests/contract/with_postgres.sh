#!/bin/bash
# Runs a command with a PostgreSQL server of its own:
#   with_postgres.sh <command> [argument...]
# The server lives in a temporary folder, listens only on a Unix socket there, and is gone when the
# command ends, however it ends. The command finds it in KNEEPOINT_TEST_POSTGRES. Fails (does not
# skip) when PostgreSQL is not installed.
set -u

fail() { echo "with_postgres.sh: $*" >&2; exit 1; }

[ $# -gt 0 ] || fail "give a command to run"

bin=
for folder in /usr/lib/postgresql/*/bin; do
  [ -x "$folder/initdb" ] && bin=$folder  # the newest comes last
done
[ -n "$bin" ] || fail "PostgreSQL is not installed: apt-get install postgresql"

# Not under TMPDIR: a socket's path must stay short.
home=$(mktemp -d /tmp/kp_pg.XXXXXX) || fail "no temporary folder"
as_user=()
if [ "$(id -u)" = 0 ]; then  # PostgreSQL refuses to run as root
  user=postgres
  id "$user" >/dev/null 2>&1 || user=nobody
  chown "$user" "$home"
  as_user=(setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups)
fi

child=
stop() {
  trap - EXIT INT TERM HUP
  [ -n "$child" ] && kill "$child" 2>/dev/null
  "${as_user[@]}" "$bin/pg_ctl" --pgdata "$home/data" --mode immediate --silent stop >/dev/null 2>&1
  rm -rf "$home"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

cd / || exit 1
"${as_user[@]}" env HOME="$home" "$bin/initdb" --pgdata "$home/data" --username kneepoint \
    --auth trust --encoding UTF8 --locale C --no-sync >"$home/initdb.log" 2>&1 ||
  { cat "$home/initdb.log" >&2; fail "initdb failed"; }
"${as_user[@]}" "$bin/pg_ctl" --pgdata "$home/data" --log "$home/data/server.log" --silent --wait \
    --options "-c listen_addresses='' -c unix_socket_directories='$home' -c fsync=off" \
    start >/dev/null ||
  { cat "$home/data/server.log" >&2; fail "the server did not start"; }
# A client under another user than the server's must reach the socket.
chmod 0711 "$home"

cd "$OLDPWD" || exit 1
KNEEPOINT_TEST_POSTGRES="host=$home dbname=postgres user=kneepoint" "$@" &
child=$!
wait "$child"
status=$?
child=
exit "$status"
