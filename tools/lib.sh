# Shared by the scripts beside it; sourced, not run. Needs bash and nothing else until packages are
# installed. Progress and errors go to stderr, so that a script's stdout is its result.
# shellcheck shell=bash

set -euo pipefail
export LC_ALL=C.UTF-8

REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() {
  say "error: $*"
  exit 1
}

# The names in the given lists, comments dropped.
package_names() {
  local list
  for list in "$@"; do
    sed -e 's/#.*//' -e 's/[[:space:]]*$//' -e '/^$/d' "$REPO/tools/packages/$list.txt"
  done
}

# Those of the names that are not installed, one per line.
missing_packages() {
  local name
  for name in "$@"; do
    # Node.js from elsewhere brings its own npm, which Debian's would conflict with.
    case $name in nodejs | npm) if command -v "${name%js}" >/dev/null; then continue; fi ;; esac
    # shellcheck disable=SC2016  # the braces are dpkg's
    case $(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null || true) in
      installed) ;;
      *) echo "$name" ;;
    esac
  done
}

# apt as root, without questions; waits for another apt instead of failing.
apt_quietly() {
  local as_root=()
  if [ "$(id -u)" != 0 ]; then as_root=(sudo); fi
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -qq -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" </dev/null
}

# Installs what is missing from the given lists. Asks apt nothing when nothing is.
need_packages() {
  local names missing log
  mapfile -t names < <(package_names "$@")
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    if [ "${KNEEPOINT_SKIP_PACKAGES:-}" = 1 ]; then return 0; fi
    die "this is not Debian or a relative of it. Install by hand what these Debian packages hold," \
      "then set KNEEPOINT_SKIP_PACKAGES=1 and run again: ${names[*]}"
  fi
  mapfile -t missing < <(missing_packages "${names[@]}")
  if [ "${#missing[@]}" = 0 ]; then return 0; fi
  if [ "${KNEEPOINT_SKIP_PACKAGES:-}" = 1 ]; then
    say "not installing, as asked: ${missing[*]}"
    return 0
  fi
  if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
    die "packages are missing that only root may install, and there is no sudo." \
      "As root: apt-get install --no-install-recommends ${missing[*]}"
  fi
  need_disk 1500 /usr "the packages to install"
  say "installing ${#missing[@]} packages: ${missing[*]}"
  log=$(mktemp)
  if ! apt_quietly update >"$log" 2>&1 ||
    ! apt_quietly install --no-install-recommends "${missing[@]}" >>"$log" 2>&1; then
    tail -n 20 "$log" >&2
    rm -f "$log"
    die "apt could not install them; its last words are above." \
      "Needed is Debian 12 (bookworm) or a release that has these packages."
  fi
  rm -f "$log"
}

# need_disk MEGABYTES FOLDER WHAT
need_disk() {
  local folder=$2 free
  while [ ! -d "$folder" ]; do folder=$(dirname "$folder"); done
  free=$(df -Pm "$folder" | awk 'NR == 2 { print $4 }')
  if [ "$free" -lt "$1" ]; then
    die "$3 need about $1 MB, and $folder has $free MB free." \
      "Make room, or put the source tree on a larger disk."
  fi
}

# The compiler cache outlives build folders and clones; it can be shared between machines of one kind.
use_cache() {
  local cache=${KNEEPOINT_CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/kneepoint}
  if mkdir -p "$cache/ccache" 2>/dev/null && [ -w "$cache/ccache" ]; then
    export CCACHE_DIR=${CCACHE_DIR:-$cache/ccache}
    export CCACHE_BASEDIR=${CCACHE_BASEDIR:-$REPO}
    export CCACHE_MAXSIZE=${CCACHE_MAXSIZE:-5G}
    export CCACHE_NOHASHDIR=1 # a clone elsewhere uses the same entries
  else
    say "no compiler cache: $cache cannot be written"
    export CCACHE_DISABLE=1
  fi
}

# Reads what ninja prints and says every tenth how far it is; a short build says nothing.
show_progress() {
  local line share next=10
  while IFS= read -r line; do
    if [[ $line =~ ^\[([0-9]+)/([0-9]+)\] ]] && [ "${BASH_REMATCH[2]}" -ge 20 ]; then
      share=$((100 * BASH_REMATCH[1] / BASH_REMATCH[2]))
      if [ "$share" -ge "$next" ]; then
        say "building $1: $share %"
        next=$((share - share % 10 + 10))
      fi
    fi
  done
}

# configure_and_build PRESET [cmake --build arguments]: does each only where something changed.
# The output of a build that works is not kept; of one that fails it is shown.
configure_and_build() {
  local preset=$1 folder=$REPO/build/$1 log
  shift
  use_cache
  # A tree that was moved cannot use the build folder that knows its old place.
  if [ -f "$folder/CMakeCache.txt" ] &&
    ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$REPO" "$folder/CMakeCache.txt"; then
    say "build/$preset belongs to another place; starting over"
    rm -rf "$folder"
  fi
  if [ ! -f "$folder/build.ninja" ]; then
    need_disk 1500 "$REPO" "the build of preset $preset"
    say "configuring $preset"
    log=$(mktemp)
    if ! (cd "$REPO" && cmake --preset "$preset") >"$log" 2>&1 </dev/null; then
      cat "$log" >&2
      rm -f "$log"
      # A half-configured folder would be taken for a whole one.
      rm -f "$folder/build.ninja"
      die "cmake could not configure preset $preset"
    fi
    rm -f "$log"
  fi
  local started=$SECONDS
  log=$(mktemp)
  if ! (cd "$REPO" && cmake --build --preset "$preset" "$@") 2>&1 </dev/null |
    tee "$log" | show_progress "$preset"; then
    grep -vE '^\[[0-9]+/[0-9]+\] ' "$log" | tail -n 60 >&2
    rm -f "$log"
    die "preset $preset does not build"
  fi
  if ! grep -q 'ninja: no work to do' "$log"; then
    say "built $preset in $((SECONDS - started)) s"
  fi
  rm -f "$log"
}

# One name per line; a fuzz target is a program of its own beside the code it is for.
# KNEEPOINT_FUZZ_TARGETS picks some of them.
fuzz_targets() {
  if [ -n "${KNEEPOINT_FUZZ_TARGETS:-}" ]; then
    tr ' ' '\n' <<<"$KNEEPOINT_FUZZ_TARGETS"
    return
  fi
  find "$REPO/src" -name '*_fuzz.cc' -printf '%f\n' | sed 's/\.cc$//' | sort
}

build_fuzz_targets() {
  local names
  mapfile -t names < <(fuzz_targets)
  configure_and_build fuzz --target "${names[@]}"
}

# fuzz_each SECONDS: every target of build/fuzz for that long, two at a time. A finding is kept in
# build/fuzz/findings and ends with status 1. What was learned is kept in the corpus for next time.
fuzz_each() {
  local seconds=$1 folder=$REPO/build/fuzz name seeds failed=0 running=() names=() i
  mkdir -p "$folder/findings" "$folder/corpus" "$folder/logs"
  export ASAN_SYMBOLIZER_PATH=${ASAN_SYMBOLIZER_PATH:-/usr/bin/llvm-symbolizer-19}
  finish_fuzz() {
    for i in "${!running[@]}"; do
      if wait "${running[$i]}"; then
        say "fuzz ${names[$i]}: $(grep -oE '^(Done|stat::number_of_executed_units:).*' \
          "$folder/logs/${names[$i]}.log" | tail -n 1 || true)"
      else
        tail -n 40 "$folder/logs/${names[$i]}.log" >&2
        say "fuzz ${names[$i]}: a finding; the input is in build/fuzz/findings"
        failed=1
      fi
    done
    running=() names=()
  }
  for name in $(fuzz_targets); do
    mkdir -p "$folder/corpus/$name"
    seeds=()
    if [ -d "$REPO/tests/fuzz/$name" ]; then seeds+=("$REPO/tests/fuzz/$name"); fi
    if [ "$name" = config_json_fuzz ]; then seeds+=("$REPO/tests/data/configs"); fi
    if [ "$name" = importers_fuzz ]; then seeds+=("$REPO/tests/data/reports"); fi
    "$folder/$name" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
      -artifact_prefix="$folder/findings/$name-" "$folder/corpus/$name" "${seeds[@]}" \
      >"$folder/logs/$name.log" 2>&1 </dev/null &
    running+=($!) names+=("$name")
    if [ "${#running[@]}" -ge 2 ]; then finish_fuzz; fi
  done
  finish_fuzz
  return "$failed"
}
