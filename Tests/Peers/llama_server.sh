#!/usr/bin/env bash
# Builds llama-server in .build/peers, from the llama.cpp that the source package of llama-cpp-python brings, for this machine's
# processor. It takes about ten minutes, once.
#
# Usage: llama_server.sh PYTHON     (the Python of an environment with pip, cmake and ninja)
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
peers=$here/../../.build/peers
python=$1
package=$(grep '^llama-cpp-python==' "$here/requirements.txt")

[ -x "$peers/llama-server" ] && exit 0
. "$here/compiler.sh"
mkdir -p "$peers/source"
cd "$peers/source"
"$python" -m pip download --quiet --no-deps --no-binary llama-cpp-python --dest . "$package"
tar xzf llama_cpp_python-*.tar.gz
PATH=$(dirname "$python"):$PATH
cmake -S llama_cpp_python-*/vendor/llama.cpp -B server -G Ninja -DCMAKE_BUILD_TYPE=Release -DGGML_NATIVE=ON -DBUILD_SHARED_LIBS=OFF \
  -DLLAMA_CURL=OFF -DLLAMA_OPENSSL=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_UI=OFF > /dev/null
ninja -C server llama-server > /dev/null
cp server/bin/llama-server "$peers/llama-server.part"
mv "$peers/llama-server.part" "$peers/llama-server"
