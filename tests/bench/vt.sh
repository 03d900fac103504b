#!/bin/sh
# The terminal emulator alone, bytes to cells, beside libtsm where that is installed.
exec "${HVMUX_BUILD:?}/tests/bench/bench_vt"
