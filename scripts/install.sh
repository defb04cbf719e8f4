#!/bin/sh
# Installs sera from its releases, for Linux with glibc and for macOS. See --help.
set -eu

# Everybody may use what is installed, whatever the umask; what is downloaded is in a private folder.
umask a+rx

# Where the releases are; the copy that a release publishes has it filled in.
releases=

usage() {
  cat <<'END'
Usage: install.sh [--version VERSION | --from FOLDER] [--prefix FOLDER]
                  [--bin-dir FOLDER] [--binary-only] [--dry-run]

Downloads sera, checks its SHA-256 sum, and installs the program, its manual
page, and its completions for bash, zsh and fish.

  --version VERSION  install this version, such as 1.0.0, not the newest
  --from FOLDER      download nothing: install from this folder, into which you
                     have put SHA256SUMS and the archive of a release
  --prefix FOLDER    install below this folder; /usr/local if you may write
                     there, else ~/.local
  --bin-dir FOLDER   where to put the program; bin below the prefix
  --binary-only      no manual page and no completions
  --dry-run          only print what it would do

SERA_BASE_URL is the address of the releases. As on GitHub, the files are at
latest/download/FILE and download/vVERSION/FILE below it.
END
}

fail() {
  echo "install.sh: $*" >&2
  exit 1
}

# The shell or cat would say it in their own words, with a line of this script.
say() {
  echo "$*" 2>/dev/null || fail "cannot write to stdout"
}

# The folder for what is downloaded, and the file that is just being installed.
download=
unfinished=
clean_up() {
  [ -z "$download" ] || rm -rf -- "$download"
  [ -z "$unfinished" ] || rm -f -- "$unfinished"
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 131' QUIT
trap 'exit 141' PIPE
trap 'exit 143' TERM

version=
from=
prefix=
bin_dir=
binary_only=
dry_run=
while [ $# -gt 0 ]; do
  option=$1
  shift
  case $option in
    --version=* | --from=* | --prefix=* | --bin-dir=*) value=${option#*=} option=${option%%=*} ;;
    --version | --from | --prefix | --bin-dir)
      [ $# -gt 0 ] || fail "no value after $option; see --help"
      value=$1
      shift
      ;;
    *) value= ;;
  esac
  case $option in
    # Tags have a v in front.
    --version) version=${value#v} ;;
    --from)
      [ -n "$value" ] || fail "no folder after --from; see --help"
      from=$value
      ;;
    --prefix) prefix=$value ;;
    --bin-dir) bin_dir=$value ;;
    --binary-only) binary_only=1 ;;
    --dry-run) dry_run=1 ;;
    -h | --help)
      usage 2>/dev/null || fail "cannot write to stdout"
      exit 0
      ;;
    *) fail "cannot use: $option; see --help" ;;
  esac
done

base=${SERA_BASE_URL:-$releases}
base=${base%/}
[ -z "$from" ] || [ -z "$version" ] || fail "cannot use --version with --from: the folder has one version"
[ -n "$from$base" ] ||
  fail "no place to download from: set SERA_BASE_URL to the releases, such as https://github.com/OWNER/sera/releases," \
    "or use --from FOLDER with the files of a release"

case $(uname -s)-$(uname -m) in
  Linux-x86_64 | Linux-amd64) target=x86_64-unknown-linux-gnu ;;
  Linux-aarch64 | Linux-arm64) target=aarch64-unknown-linux-gnu ;;
  Darwin-x86_64) target=x86_64-apple-darwin ;;
  Darwin-arm64) target=aarch64-apple-darwin ;;
  *) fail "there is no release of sera for $(uname -s) on $(uname -m): build it from the sources" ;;
esac
# musl's ldd says so on stderr, and fails.
case $(ldd --version 2>&1 || :) in
  *musl*) fail "this system has musl, and sera needs glibc: use sera's container image, or a system such as Debian" ;;
esac

if [ -z "$prefix" ]; then
  if [ -w /usr/local ] && { [ -w /usr/local/bin ] || [ ! -e /usr/local/bin ]; }; then
    prefix=/usr/local
  else
    [ -n "${HOME-}" ] || fail "HOME is not set: use --prefix FOLDER"
    prefix=$HOME/.local
  fi
fi
# PATH has folders without a slash at the end.
prefix=${prefix%/}
[ -n "$bin_dir" ] || bin_dir=$prefix/bin
[ "$bin_dir" = / ] || bin_dir=${bin_dir%/}

if [ -n "$from" ]; then
  get() { cp -- "$1" "$2"; }
elif command -v curl >/dev/null; then
  get() { curl --fail --silent --show-error --location --connect-timeout 30 --retry 2 --output "$2" -- "$1"; }
elif command -v wget >/dev/null; then
  get() { wget --no-verbose --timeout=30 --tries=3 --output-document="$2" -- "$1"; }
else
  fail "needs curl or wget: install one of them, or use --from FOLDER with the files of a release"
fi
if command -v sha256sum >/dev/null; then
  sum_of() { sha256sum <"$1"; }
elif command -v shasum >/dev/null; then
  sum_of() { shasum -a 256 <"$1"; }
else
  fail "needs sha256sum or shasum: install one of them"
fi

# Downloads or copies a file of the release into the folder for it.
fetch() {
  get "$1/$2" "$download/$2" 2>"$download/why" ||
    fail "cannot $how $1/$2: $(head -n 1 "$download/why" | tr -cd '[:print:]')"
}

download=$(mktemp -d)
how=download
if [ -n "$from" ]; then
  how="read"
  fetch "$from" SHA256SUMS
elif [ -n "$version" ]; then
  fetch "$base/download/v$version" SHA256SUMS
else
  fetch "$base/latest/download" SHA256SUMS
fi
# Lines such as "<sum>  sera-1.0.0-x86_64-unknown-linux-gnu.tar.gz".
# The last one may lack its line end.
while read -r sum asset || [ -n "$asset" ]; do
  case $asset in sera-*-"$target".tar.gz) break ;; esac
  asset=
done <"$download/SHA256SUMS"
[ -n "$asset" ] || fail "the release has no file for this system: sera-${version:-VERSION}-$target.tar.gz"
version=${asset#sera-}
version=${version%-"$target".tar.gz}
case $version in
  '' | *[!0-9A-Za-z.+-]*) fail "cannot use as a version: $version" ;;
esac

# From the same release as the sums: a newer one may have come out meanwhile.
place=${from:-$base/download/v$version}

man=$prefix/share/man/man1/sera.1
bash=$prefix/share/bash-completion/completions/sera
zsh=$prefix/share/zsh/site-functions/_sera
fish=$prefix/share/fish/vendor_completions.d/sera.fish
if [ -n "$dry_run" ]; then
  say "would $how $place/$asset"
  say "would install $bin_dir/sera"
  [ -z "$binary_only" ] || exit 0
  for file in "$man" "$bash" "$zsh" "$fish"; do say "would install $file"; done
  exit 0
fi

fetch "$place" "$asset"
actual=$(sum_of "$download/$asset")
[ "${actual%% *}" = "$sum" ] ||
  fail "the SHA-256 sum of $asset is wrong: ${actual%% *}, expected $sum; the download is broken or not sera's"
tar -xzf "$download/$asset" -C "$download" 2>/dev/null || fail "cannot unpack $asset"
unpacked=$download/${asset%.tar.gz}
[ -f "$unpacked/sera" ] || fail "there is no program in $asset"

# Copies to a new file and renames it: the file is complete at all times, and a running program is not overwritten.
put() {
  # mv would put it inside.
  [ ! -d "$2" ] || fail "$2 is a folder: remove it, or choose another place with --prefix or --bin-dir"
  unfinished=$2.new.$$
  { mkdir -p "${2%/*}" && cp "$unpacked/$1" "$unfinished" && chmod "$3" "$unfinished"; } 2>/dev/null ||
    fail "cannot write to ${2%/*}: choose another folder with --prefix, or run this as root"
  # Not where it was unpacked: a temporary folder may forbid that.
  [ "$1" != sera ] || "$unfinished" --version >/dev/null 2>"$download/why" ||
    fail "the program does not run on this system: $(head -n 1 "$download/why" | tr -cd '[:print:]')"
  mv -f "$unfinished" "$2"
  unfinished=
  say "installed $2"
}
put sera "$bin_dir/sera" 755
if [ -z "$binary_only" ]; then
  put sera.1 "$man" 644
  put completions/sera.bash "$bash" 644
  put completions/_sera "$zsh" 644
  put completions/sera.fish "$fish" 644
fi
first=$(command -v sera || :)
# By the file, since PATH may have the folder under another name, as where sbin is a link to bin.
# shellcheck disable=SC3013 # all shells have -ef, and POSIX has it since 2024
if ! [ "$first" -ef "$bin_dir/sera" ]; then
  case :$PATH: in
    # Another one that was there before, as from a Debian package, would still be the one that runs.
    *:"$bin_dir":*) say "another sera comes first in your PATH: $first" ;;
    *) say "$bin_dir is not in your PATH" ;;
  esac
fi
