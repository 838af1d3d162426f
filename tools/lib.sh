# Sourced by quickstart, test and the tools beside this file: messages, waiting, building.
# The caller has set -euo pipefail.
# shellcheck shell=bash

readonly tool=${0##*/}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
readonly root

say() { printf '%s: %s\n' "$tool" "$*" >&2; }

# fail EXIT MESSAGE [HINT]
fail() {
    say "$2"
    if [[ -n ${3-} ]]; then say "hint: $3"; fi
    exit "$1"
}

# show_end_of FILE: its last lines, and where the rest is.
show_end_of() {
    if [[ -s $1 ]]; then
        tail -n "${2:-20}" "$1" | sed 's/^/    /' >&2
        say "all of it: $1"
    fi
}

# since START: seconds since a value of EPOCHREALTIME, with a tenth.
since() {
    local microseconds=$((${EPOCHREALTIME/[.,]/} - ${1/[.,]/}))
    printf '%d.%d' $((microseconds / 1000000)) $((microseconds / 100000 % 10))
}

# wait_until SECONDS COMMAND...: until it succeeds; false when the time is over.
wait_until() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        if ((SECONDS >= end)); then return 1; fi
        sleep 0.1
    done
}

# Says every now and then that `label` goes on and what its log said last: in place on a terminal,
# else in a line every half minute. Until it is killed, or its parent was.
tick() {
    local label=$1 log=$2 started=$SECONDS last never pause=30
    if [[ -t 2 ]]; then pause=0.5; fi
    trap 'exit 0' TERM
    # Waits without a child that would outlive us and keep our caller's pipes open.
    exec {never}<> <(:)
    until read -rt "$pause" -u "$never" || ! kill -0 $$ 2>/dev/null; do
        last=$(tail -n 1 "$log" 2>/dev/null | tr -d '\r\033')
        if [[ -t 2 ]]; then
            printf '\r\033[K%s: %s, %d s  %.60s' "$tool" "$label" $((SECONDS - started)) "$last" >&2
        else
            printf '%s: %s goes on, %d s  %.100s\n' "$tool" "$label" $((SECONDS - started)) "$last" >&2
        fi
    done
}

# logged LOG LABEL COMMAND...: runs it with its output in LOG, which is shown where it fails.
logged() {
    local log=$1 label=$2 started=$EPOCHREALTIME status=0 ticker
    shift 2
    mkdir -p "$(dirname "$log")"
    say "$label"
    : >"$log"
    tick "$label" "$log" </dev/null &
    ticker=$!
    "$@" >"$log" 2>&1 </dev/null || status=$?
    kill "$ticker"
    wait "$ticker" || [[ $? -eq 143 ]]
    if [[ -t 2 ]]; then printf '\r\033[K' >&2; fi
    if ((status != 0)); then
        say "$label failed with exit code $status after $(since "$started") s"
        show_end_of "$log" 40
        return "$status"
    fi
}

# As many compilers as there are cores, and memory for: gRPC's headers want about 1 GiB each.
jobs_that_fit() {
    local cores fitting
    cores=$(nproc)
    fitting=$(awk '/^MemAvailable/ { print int($2 / 1048576) }' /proc/meminfo)
    if ((fitting < 1)); then fitting=1; fi
    printf '%d\n' $((fitting < cores ? fitting : cores))
}

# build DIRECTORY [MESON-OPTION...] -- [TARGET...]: sets it up where it is not, and compiles.
build() {
    local directory=$1 options=() log started=$EPOCHREALTIME
    shift
    while [[ $1 != -- ]]; do
        options+=("$1")
        shift
    done
    shift
    log=$directory/meson-logs/build.txt
    if [[ ! -f $directory/build.ninja ]]; then
        # What a setup that was cut short left behind makes the next one fail.
        if [[ -d $directory/meson-private ]]; then options+=(--wipe); fi
        logged "${directory%/*}/.${directory##*/}-setup.log" "setting up ${directory##*/}/" \
            meson setup "${options[@]}" "$directory" "$root" ||
            fail 1 'meson setup failed' 'is everything installed? tools/install-deps build'
        rm -f "${directory%/*}/.${directory##*/}-setup.log"
    elif ((${#options[@]} > 0)); then
        logged "$log" "configuring ${directory##*/}/" meson configure "${options[@]}" "$directory" ||
            fail 1 'meson configure failed'
    fi
    logged "$log" "compiling in ${directory##*/}/" \
        ninja -C "$directory" -j "$(jobs_that_fit)" "$@" || fail 1 'the build failed'
    say "built in $(since "$started") s"
}
