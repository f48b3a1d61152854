#!/bin/sh
# Prepares a machine for this project. Safe to run again: it installs only what is missing.
set -eu

# The one place that names the Deno version; .ci/run and the workflow read it from here.
DENO_VERSION=2.9.6
DENO_OLDEST=2.9

VULKAN_PACKAGES="mesa-vulkan-drivers libvulkan1"
PAPER_PACKAGES="latexmk texlive-latex-recommended texlive-latex-extra texlive-fonts-recommended
  lmodern fonts-lmodern librsvg2-bin poppler-utils"

usage() {
  cat <<EOF
Usage: ./setup.sh [--paper]

Installs what is missing, says what it does, and may be run again at any time:
  Deno $DENO_VERSION (any Deno from $DENO_OLDEST on is accepted), through npm or Deno's installer
  a software Vulkan driver, where WebGPU finds no adapter and apt exists
  the packages that deno.lock names, so that later commands need no network

Options:
  --paper   also LaTeX, librsvg, poppler and the Latin Modern fonts, for figures and paper as PDF
  --help    this text

Exit codes: 0 ready, 1 something must be installed by hand (the lines marked "!!" say what), 2 usage
EOF
}

say() { printf '%s\n' "-- $*"; }
problems=0
by_hand() {
  problems=$((problems + 1))
  printf '%s\n' "!! $*" >&2
}
have() { command -v "$1" >/dev/null 2>&1; }

# Runs apt-get as root. Fails where neither root nor a password-free or interactive sudo is at hand.
apt_get() {
  if [ "$(id -u)" -eq 0 ]; then
    DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 "$@"
  elif have sudo && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
    sudo env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 "$@"
  else
    return 1
  fi
}

# apt_install PURPOSE PACKAGE...: installs, or says how to.
apt_install() {
  purpose=$1
  shift
  say "$purpose: apt-get install $*"
  if apt_get install -y -q --no-install-recommends "$@" >"$log" 2>&1; then return 0; fi
  # A fresh image has no package lists, and old lists name files that are gone.
  if apt_get update -q >>"$log" 2>&1 &&
    apt_get install -y -q --no-install-recommends "$@" >>"$log" 2>&1; then
    return 0
  fi
  tail -n 5 "$log" >&2
  by_hand "$purpose: run as root: apt-get update && apt-get install --no-install-recommends $*"
  return 1
}

# The version of the deno on PATH; empty where there is none that runs.
deno_version() {
  deno --version 2>/dev/null | sed -n '1s/^deno \([0-9][0-9.]*\).*/\1/p'
}

# new_enough VERSION OLDEST: compares major and minor numbers.
new_enough() {
  major=${1%%.*}
  rest=${1#*.}
  minor=${rest%%.*}
  [ "$major" -gt "${2%%.*}" ] || { [ "$major" -eq "${2%%.*}" ] && [ "$minor" -ge "${2#*.}" ]; }
}

deno_is_ready() {
  found=$(deno_version)
  [ -n "$found" ] && new_enough "$found" "$DENO_OLDEST"
}

install_deno_with_npm() {
  say "Deno: npm install -g deno@$DENO_VERSION"
  # npm asks before it runs install scripts; Deno's puts the binary in the place of a Node.js wrapper.
  if npm install -g --allow-scripts=deno "deno@$DENO_VERSION" >"$log" 2>&1; then
    hash -r
    deno_is_ready && return 0
    say "Deno: npm installed it, but PATH does not lead to it"
  else
    say "Deno: npm could not install it: $(grep -i 'error' "$log" | head -n 1)"
  fi
  return 1
}

install_deno_with_installer() {
  if ! have curl; then
    say "Deno: its installer needs curl, which is missing"
    return 1
  fi
  if [ "$(id -u)" -eq 0 ]; then target=/usr/local; else target=${DENO_INSTALL:-$HOME/.deno}; fi
  say "Deno: installer of deno.land, version $DENO_VERSION, into $target/bin"
  curl -fsSL -o "$log.installer" https://deno.land/install.sh || return 1
  DENO_INSTALL=$target sh "$log.installer" --no-modify-path "v$DENO_VERSION" >"$log" 2>&1 || {
    tail -n 5 "$log" >&2
    return 1
  }
  case ":$PATH:" in
  *":$target/bin:"*) ;;
  *)
    PATH="$target/bin:$PATH"
    by_hand "Deno: add it to your PATH, then run this again: export PATH=\"$target/bin:\$PATH\""
    ;;
  esac
  hash -r
  deno_is_ready
}

setup_deno() {
  if deno_is_ready; then
    if [ "$found" = "$DENO_VERSION" ]; then
      say "Deno: $found is here"
    else
      say "Deno: $found is here and accepted; the project is tested with $DENO_VERSION"
    fi
    return 0
  fi
  if [ -n "$found" ]; then say "Deno: $found is older than $DENO_OLDEST"; fi
  if have npm && install_deno_with_npm; then
    say "Deno: installed $found"
  elif install_deno_with_installer; then
    say "Deno: installed $found"
  else
    by_hand "Deno: install version $DENO_VERSION by hand: https://docs.deno.com/runtime/getting_started/installation/"
    return 1
  fi
}

# On Linux the engine wants Vulkan: without it Deno silently turns to OpenGL with smaller limits.
find_adapter() {
  if [ "$(uname -s)" = Linux ]; then backend=${DENO_WEBGPU_BACKEND:-vulkan}; else backend=${DENO_WEBGPU_BACKEND:-}; fi
  DENO_WEBGPU_BACKEND=$backend deno run --quiet --no-config --no-prompt .ci/print_adapter.ts "$@" 2>/dev/null
}

setup_adapter() {
  if find_adapter --quiet; then
    say "WebGPU adapter: $(find_adapter | sed -n 's/^description: //p')"
    return 0
  fi
  if have apt-get; then
    # shellcheck disable=SC2086 # a list of packages
    apt_install "software Vulkan driver" $VULKAN_PACKAGES || return 1
    if find_adapter --quiet; then
      say "WebGPU adapter: $(find_adapter | sed -n 's/^description: //p')"
      return 0
    fi
    by_hand "WebGPU adapter: none found although the driver is installed;" \
      "look at VK_DRIVER_FILES and DENO_WEBGPU_BACKEND in the environment"
    return 1
  fi
  by_hand "WebGPU adapter: none found; install a GPU driver, or Mesa's software Vulkan driver" \
    "(Debian: $VULKAN_PACKAGES; Fedora: mesa-vulkan-drivers vulkan-loader; Arch: vulkan-swrast)"
  return 1
}

# Debian package or, elsewhere, command: what is missing for the paper.
missing_for_paper() {
  if have dpkg-query; then
    for package in $PAPER_PACKAGES; do
      dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed ||
        printf '%s ' "$package"
    done
  else
    for command in latexmk pdflatex rsvg-convert pdftotext; do
      have "$command" || printf '%s ' "$command"
    done
  fi
}

setup_paper() {
  missing=$(missing_for_paper)
  if [ -z "$missing" ]; then
    say "Paper tools: all here"
  elif have apt-get; then
    # shellcheck disable=SC2086 # a list of packages
    apt_install "paper tools" $missing && say "Paper tools: installed"
  else
    by_hand "Paper tools: missing $missing: install TeX Live (latexmk, LaTeX extra packages," \
      "Latin Modern fonts), librsvg (rsvg-convert) and poppler (pdftotext)"
  fi
}

# Packages into node_modules, and the module graphs of every entry point into Deno's cache.
setup_packages() {
  say "Packages of deno.lock: deno install"
  if ! deno install --quiet >"$log" 2>&1; then
    tail -n 5 "$log" >&2
    by_hand "Packages: deno install failed; it needs the network once"
    return 1
  fi
  set -- mod.ts
  for entry in core/cli/*.ts tests/_tools/*.ts .ci/*.ts; do set -- "$@" "$entry"; done
  deno cache --quiet "$@" >"$log" 2>&1 && return 0
  tail -n 5 "$log" >&2
  by_hand "Packages: deno cache failed"
}

with_paper=no
for argument in "$@"; do
  case $argument in
  --paper) with_paper=yes ;;
  --help | -h)
    usage
    exit 0
    ;;
  *)
    printf '%s\n' "setup.sh: unknown option \"$argument\"" >&2
    usage >&2
    exit 2
    ;;
  esac
done

cd "$(dirname "$0")"
log=$(mktemp)
trap 'rm -f "$log" "$log.installer"' EXIT

if setup_deno; then
  setup_adapter || :
  if [ "$with_paper" = yes ]; then setup_paper || :; fi
  setup_packages || :
fi
if [ -z "${XDG_RUNTIME_DIR:-}" ] && [ "$(uname -s)" = Linux ]; then
  say "XDG_RUNTIME_DIR is not set: the Vulkan loader prints a line about it, which is harmless"
fi

if [ "$problems" -gt 0 ]; then
  printf '%s\n' "Not ready: $problems to do by hand, marked \"!!\" above" >&2
  exit 1
fi
say "Ready: deno task reproduce phase4 --profile smoke"
