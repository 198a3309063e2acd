# Sourced by what builds llama.cpp. Its kernels for matrix registers (AMX) end with an illegal instruction where GCC 12 has compiled
# them: the toolchain's clang then takes its place.
if grep -q amx_tile /proc/cpuinfo && command -v clang > /dev/null; then
  export CC=clang CXX=clang++
fi
