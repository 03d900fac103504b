/* widgets: figures as text: sparkline, bar, graph columns, and figures that do not flicker. Pure. */
#ifndef TUI_WIDGETS_H
#define TUI_WIDGETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIDGET_WIDTH_MAX 400
#define WIDGET_BYTES(width) ((size_t)(width)*3 + 1) /* UTF-8 blocks are 3 bytes */

/* One glyph per value, 0..max over eight levels; above max is full. A value that is not zero is never drawn as zero.
 * max 0 draws all as zero. out: WIDGET_BYTES(n). */
void widget_spark(const uint32_t *values, unsigned n, uint32_t max, bool utf8, char *out);
/* width columns, filled by part/whole (clamped; whole 0 is empty): "██████░░░░" or "######....". */
void widget_bar(uint64_t part, uint64_t whole, unsigned width, bool utf8, char *out);
/* Row `row` (0 the lowest) of a graph `height` rows high. */
void widget_graph_row(const uint32_t *values, unsigned n, uint32_t max, unsigned row,
    unsigned height, bool utf8, char *out);
/* Averages of the newest samples into n buckets, oldest first: bucket edges lie on multiples of `per` of the absolute
 * sample number `count`, so that a picture moves once per bucket and not once per sample. values: the newest `have`
 * samples, oldest first. A bucket with no sample is 0. The newest bucket is the last whole one. */
void widget_buckets(
    const uint32_t *values, unsigned have, uint64_t count, unsigned per, uint32_t *out, unsigned n);
/* The figure to show after `now`, given what is shown: it moves only for a real change (a tenth of it, or `step`), and
 * always to and from zero. */
uint32_t widget_steady(uint32_t shown, uint32_t now, uint32_t step);
/* 1234 permille → "123"; 12 → "1.2": CPU per cent in at most 5 columns. */
void widget_permille(uint32_t permille, char out[16]);
/* Kibibytes per second → "1.2M", "340K", "-" for zero: at most 5 columns. */
void widget_rate(uint64_t kib, char out[32]);
/* "1.1/2.0 GiB": both in the whole's unit; "-" for whole 0. */
void widget_memory(uint64_t used_kib, uint64_t whole_kib, char out[32]);
/* "1.5/2.0G ↕": of a guest whose balloon follows the host's need; no wider than that without the mark. */
void widget_memory_auto(uint64_t used_kib, uint64_t whole_kib, bool utf8, char out[32]);

#endif
