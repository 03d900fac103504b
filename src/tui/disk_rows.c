#include "tui/disk_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/mem.h"
#include "core/str.h"

/* Counters that stand still for so long are at rest: QEMU is asked once a second while somebody looks. */
#define REST_MS 3000

static char *safe_take(char *s)
{
	str_make_safe(s);
	return s;
}

/* Where its bytes are, in words: a path, "volume pool/name", "rbd pool/image". */
static char *source_of(const struct disk_image *im)
{
	if (im->path)
		return xstrdup(im->path);
	if (im->type == IMAGE_VOLUME)
		return xasprintf(
		    "volume %s/%s", im->pool ? im->pool : "?", im->volume ? im->volume : "?");
	if (im->type == IMAGE_NETWORK)
		return xasprintf(
		    "%s %s", im->protocol ? im->protocol : "network", im->name ? im->name : "");
	return xstrdup(image_has_place(im) ? image_type_name(im->type) : "");
}

static void add_word(struct buf *b, const char *name, const char *value)
{
	if (value)
		buf_addf(b, "%s%s%s%s", b->len ? ", " : "", name, *name ? " " : "", value);
}

static char *options_of(const struct domain_disk *d)
{
	struct buf b = BUF_INIT;
	if (d->device != DISK_DISK && disk_has_image(d))
		add_word(&b, "", disk_device_name(d->device));
	add_word(&b, "cache", d->cache);
	add_word(&b, "io", d->io);
	add_word(&b, "discard", d->discard);
	add_word(&b, "detect zeroes", d->detect_zeroes);
	add_word(&b, "on errors", d->error_policy);
	if (d->readonly && d->device == DISK_DISK)
		add_word(&b, "", "read only");
	if (d->shareable)
		add_word(&b, "", "shareable");
	if (d->transient || d->overlaid)
		add_word(&b, "", "what it writes is discarded");
	if (d->with_iotune)
		add_word(&b, "", "throttled");
	if (d->image.encryption)
		add_word(&b, "", "encrypted");
	return safe_take(buf_take(&b));
}

static const char *cache_word(const char *cache)
{
	static const char *const words[] = {
	    "none", "writeback", "writethrough", "directsync", "unsafe", "default"};
	for (size_t i = 0; cache && i < ARRAY_LEN(words); i++)
		if (!strcmp(words[i], cache))
			return words[i];
	return "";
}

void disk_rows_of(struct disk_table *t, const struct domain *d)
{
	t->rows = xcalloc(d->n_disks + 1, sizeof(*t->rows));
	t->n = d->n_disks;
	for (size_t i = 0; i < d->n_disks; i++) {
		const struct domain_disk *disk = &d->disks[i];
		const struct disk_image *im = &disk->image;
		t->rows[i] = (struct disk_row){
		    .target = safe_take(xstrdup(disk->target ? disk->target : "?")),
		    .device = disk_device_name(disk->device),
		    .bus = disk_bus_name(disk->bus),
		    .format = disk_format_name(im->format),
		    .source = safe_take(source_of(im)),
		    .options = options_of(disk),
		    .cache = cache_word(disk->cache),
		    .file = im->path && (im->type == IMAGE_FILE || im->type == IMAGE_BLOCK)};
	}
}

void disk_rows_of_page(struct disk_table *t, const struct status_page *page)
{
	size_t n = page->disks < STATUS_DISKS_MAX ? page->disks : STATUS_DISKS_MAX;
	t->rows = xcalloc(n + 1, sizeof(*t->rows));
	t->n = n;
	for (size_t i = 0; i < n; i++)
		t->rows[i] = (struct disk_row){.target = xstrdup(page->disk[i].target),
		    .device = "",
		    .bus = "",
		    .format = "",
		    .source = xstrdup(page->disk[i].path),
		    .options = xstrdup(""),
		    .cache = "",
		    .file = page->disk[i].path[0] == '/'};
}

static uint64_t since(uint64_t was, uint64_t is)
{
	return is > was ? is - was : 0;
}

static void count_row(
    struct disk_row *r, const struct status_disk *d, struct disk_count *c, uint64_t now_ms)
{
	struct disk_count now = {d->rd_bytes, d->wr_bytes, d->rd_ops + d->wr_ops + d->fl_ops,
	    d->rd_ns + d->wr_ns + d->fl_ns, now_ms};
	bool moved =
	    now.read != c->read || now.written != c->written || now.requests != c->requests;
	uint64_t ms = since(c->at_ms, now_ms), requests = since(c->requests, now.requests);
	r->counted = true;
	r->read = d->rd_bytes;
	r->written = d->wr_bytes;
	r->failed = d->rd_failed + d->wr_failed + d->fl_failed;
	if (c->at_ms && !moved && ms < REST_MS)
		return;
	if (c->at_ms && ms) {
		r->read_rate = since(c->read, now.read) * 1000 / ms / 1024;
		r->write_rate = since(c->written, now.written) * 1000 / ms / 1024;
		r->wait_us = requests ? since(c->ns, now.ns) / requests / 1000 : 0;
	}
	*c = now;
}

void disk_rows_count(struct disk_table *t, const struct status_page *page,
    struct disk_count *counts, uint64_t now_ms)
{
	for (size_t i = 0; i < t->n; i++) {
		struct disk_row *r = &t->rows[i];
		r->counted = false;
		for (unsigned k = 0; page && k < page->disks && k < STATUS_DISKS_MAX; k++)
			if (!strcmp(page->disk[k].target, r->target))
				count_row(r, &page->disk[k], &counts[i], now_ms);
	}
}
