# shellcheck shell=bash disable=SC2034
# What the other scripts share. To be sourced, from the repository's root.

set -euo pipefail

# A fresh clone in CI builds into a cache outside the clone, so that the outside crates are
# compiled once per machine and not once per clone.
if [ "${CI:-}" = true ] && [ -z "${CARGO_TARGET_DIR:-}" ]; then
    CARGO_TARGET_DIR="${XDG_CACHE_HOME:-$HOME/.cache}/livery/target"
    mkdir -p "$CARGO_TARGET_DIR"
    export CARGO_TARGET_DIR
fi
target_dir="${CARGO_TARGET_DIR:-$PWD/target}"

say() {
    printf '==> %s\n' "$*" >&2
}

die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# Runs a command as root, with this environment: as it is for root, through sudo for anybody else.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        command -v sudo >/dev/null || die "this part needs root: install sudo, or run as root"
        sudo -E env "PATH=$PATH" "HOME=$HOME" "$@"
    fi
}

# Installs those of the named Debian packages that are missing.
install_packages() {
    command -v dpkg-query >/dev/null ||
        die "this machine is not Debian or Ubuntu: install the like of these yourself: $*"
    local missing=() package
    for package in "$@"; do
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
            missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    say "installing ${missing[*]}"
    as_root apt-get update -q
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -q --no-install-recommends "${missing[@]}"
}

install_rust_check() {
    command -v cargo >/dev/null ||
        die "cargo is missing: install Rust first, then try again"
}
