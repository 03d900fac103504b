/* bench_trigger: what the default triggers cost the drain, per byte of console output, beside copying the same bytes into
 * memory as a ring does. Blocks of 64 KiB, best of seven rounds. Prints rows of the benchmarks' table (tests/bench/lib.sh).
 * `hostile` is a guest that prints what triggers look for, in colours, as fast as it can. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/buf.h"
#include "core/mem.h"
#include "serial/ring.h"
#include "serial/trigger.h"

#define STREAM_BYTES (32u << 20)
#define BLOCK_BYTES (64u << 10)
#define ROUNDS 7

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void make_seq(struct buf *b)
{
	for (unsigned i = 1; b->len < STREAM_BYTES; i++)
		buf_addf(b, "%u\r\n", i);
}

static void make_dmesg(struct buf *b)
{
	for (unsigned i = 0; b->len < STREAM_BYTES; i++)
		buf_addf(b,
		    "[%5u.%06u] pci 0000:00:%02x.0: reg 0x10: [mem 0xfebf%04x-0xfebfffff 64bit pref]\r\n",
		    i / 1000, i * 7919 % 1000000, i % 32, i % 65536);
}

/* Every letter beside its neighbours: pairs that are in the literals, too. */
static void make_letters(struct buf *b)
{
	for (unsigned i = 0; b->len < STREAM_BYTES; i++)
		buf_addc(b, i % 80 == 79 ? '\n' : (char)('a' + i % 23));
}

static void make_hostile(struct buf *b)
{
	for (unsigned i = 0; b->len < STREAM_BYTES; i++)
		buf_addf(
		    b, "login: I/O error, dev fd0 \033[1mXFS \033[0mblocked for more than\r\n");
}

static bool on_match(void *arg, unsigned rule, const char *line)
{
	(void)rule, (void)line;
	++*(unsigned *)arg;
	return true;
}

static double run_triggers(const struct buf *b)
{
	unsigned matches = 0;
	struct trigger_set *set = trigger_set_new();
	for (unsigned i = 0; i < trigger_n_defaults; i++)
		trigger_set_add(set, &trigger_defaults[i], NULL);
	struct trigger_watch *w = trigger_watch_new(set, "serial0", on_match, &matches);
	double began = now();
	for (size_t at = 0; at < b->len; at += BLOCK_BYTES)
		trigger_watch_feed(
		    w, b->data + at, b->len - at < BLOCK_BYTES ? b->len - at : BLOCK_BYTES);
	double took = now() - began;
	trigger_watch_free(w);
	trigger_set_free(set);
	return took;
}

static double run_ring(const struct buf *b)
{
	struct ring *r = ring_open(NULL, RING_SIZE_DEFAULT, false, NULL);
	double began = now();
	for (size_t at = 0; at < b->len; at += BLOCK_BYTES)
		ring_write(r, b->data + at, b->len - at < BLOCK_BYTES ? b->len - at : BLOCK_BYTES);
	double took = now() - began;
	ring_free(r);
	return took;
}

int main(void)
{
	static const struct {
		const char *name;
		void (*make)(struct buf *b);
	} streams[] = {{"seq", make_seq}, {"dmesg", make_dmesg}, {"letters", make_letters},
	    {"hostile", make_hostile}};
	for (size_t i = 0; i < ARRAY_LEN(streams); i++) {
		struct buf b = BUF_INIT;
		double ours = 1e9, ring = 1e9;
		streams[i].make(&b);
		for (int r = 0; r < ROUNDS; r++) {
			double t = run_triggers(&b), c = run_ring(&b);
			ours = t < ours ? t : ours;
			ring = c < ring ? c : ring;
		}
		double mb = (double)b.len / 1e6;
		printf(
		    "default triggers, %s\t%.0f MB/s\tthe ring's copy %.0f MB/s\t%.2f\t>= 400 MB/s\t%s\n",
		    streams[i].name, mb / ours, mb / ring, ring / ours,
		    mb / ours >= 400 ? "met" : "MISSED");
		buf_fini(&b);
	}
	return 0;
}
