# Shared by the scripts beside it: where the project is, and its virtual environment `.venv`.
# Needs Python 3.11 with pip, nothing else. PYTHON names another interpreter than the one found.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
venv=$root/.venv

die() {
  printf '%s\n' "$@" >&2
  exit 1
}

new_enough() {
  "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
  local candidate candidates=(python3 python3.14 python3.13 python3.12 python3.11 python)
  [ -n "${PYTHON:-}" ] && candidates=("$PYTHON")
  for candidate in "${candidates[@]}"; do
    new_enough "$candidate" && { command -v "$candidate"; return; }
  done
  die "no Python 3.11 or newer found; tried ${candidates[*]}" "hint: PYTHON=/path/to/python3 $0"
}

# Debian's python3 without python3-venv has no ensurepip: pip then works on the environment from outside.
make_venv() {
  local python
  new_enough "$venv/bin/python" && return
  python=$(find_python)
  echo "making $venv with $("$python" --version)"
  "$python" -m venv --clear "$venv" >/dev/null 2>&1 || "$python" -m venv --clear --without-pip "$venv" ||
    die "$python can't make a virtual environment" "hint: install its venv module, or name another with PYTHON"
}

run_pip() {
  if "$venv/bin/python" -c 'import pip' 2>/dev/null; then
    "$venv/bin/python" -m pip "$@"
  else
    "$(find_python)" -m pip --python "$venv/bin/python" "$@"
  fi
}

# environment [EXTRA]: `.venv` with blogd, editable, and the extra. A stamp holds what was installed: nothing new, no pip.
environment() {
  local extra=${1:-} stamp wanted
  stamp=$venv/installed-${extra:-blogd}
  wanted=$(printf '%s\n' "$root"; cat "$root/pyproject.toml")
  make_venv
  [ -x "$venv/bin/blogd" ] && [ -e "$stamp" ] && [ "$wanted" = "$(cat "$stamp")" ] && return
  echo "installing blogd${extra:+[$extra]}"
  rm -f "$stamp"
  run_pip install --quiet --disable-pip-version-check --editable "$root${extra:+[$extra]}"
  printf '%s\n' "$wanted" >"$stamp"
}
