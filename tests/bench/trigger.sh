#!/bin/sh
# What the default triggers cost the drain of a console.
exec "${HVMUX_BUILD:?}/tests/bench/bench_trigger"
