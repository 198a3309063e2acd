#!/bin/sh
# Runs a script of this folder in an environment that has what requirements.txt lists; made once, in .build/clients-venv.
#
# Usage: run.sh [SCRIPT [ARGUMENT...]]  (default: openai_client.py; from anywhere; `make clients` calls it)
# Needs python3 with venv, pip, the base in the home's cache (`make base`), and a built lorikeet (LORIKEET, or the one in
# .build/release).
set -eu
cd "$(dirname "$0")/../.."
folder=Tests/Clients
venv=.build/clients-venv
export PYTHONDONTWRITEBYTECODE=1

# A mark that is named by the file's content, made when its installation has ended well.
mark="$venv/installed-$(cksum < $folder/requirements.txt | tr ' ' '-')"
if [ ! -e "$mark" ]; then
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement $folder/requirements.txt
  touch "$mark"
fi
[ $# -gt 0 ] || set -- openai_client.py
exec "$venv/bin/python" "$folder/$@"
