/* imgcmd_info: `img info`. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/img_dump.h"
#include "cli/imgcmd.h"
#include "core/mem.h"
#include "core/str.h"
#include "disk/img.h"
#include "disk/img_info.h"

enum { OPT_OUTPUT = IMGCMD_LONG, OPT_CHAIN };

static const struct imgcmd_opt opts[] = {
    {'f', NULL, "FMT", "the image's format; found out by its contents unless told"},
    {'U', "force-share", NULL, "read it although a running VM may be writing to it"},
    {OPT_OUTPUT, "output", "FORM", "human (unless told) or json"},
    {OPT_CHAIN, "backing-chain", NULL, "also of all images below it"},
    IMGCMD_OPT_OBJECT,
    IMGCMD_OPT_IMAGE_OPTS,
    {0},
};

struct request {
	const char *path, *format;
	unsigned flags;
	bool json, chain;
};
struct infos {
	struct img_info *one;
	size_t n;
};

static void infos_fini(struct infos *all)
{
	for (size_t i = 0; i < all->n; i++)
		img_info_fini(&all->one[i]);
	free(all->one);
}

/* --- asking ---------------------------------------------------------------------------------------- */
static int ask(
    struct infos *all, const char *path, const char *format, unsigned flags, struct err *err)
{
	CLEANUP(img_drop)
	struct img *im = img_open(path, format, flags | IMG_NO_BACKING | IMG_INFO, err);
	if (!im)
		return -1;
	all->one = xreallocarray(all->one, all->n + 1, sizeof(*all->one));
	if (img_info(im, &all->one[all->n], err) < 0)
		return -1;
	all->n++;
	if (str_eq(all->one[all->n - 1].encryption, "luks"))
		return err_set(err, ERR_UNSUPPORTED,
		    "'%s' is encrypted with LUKS, whose headers are not read here", path);
	return 0;
}

static bool is_known(const struct infos *all, const char *path)
{
	for (size_t i = 0; i < all->n; i++)
		if (str_eq(all->one[i].filename, path))
			return true;
	return false;
}

static int ask_chain(struct infos *all, const struct request *r, struct err *err)
{
	if (ask(all, r->path, r->format, r->flags, err) < 0)
		return -1;
	for (;;) {
		const struct img_info *last = &all->one[all->n - 1];
		if (!r->chain || !last->backing)
			return 0;
		if (!last->backing_full)
			return err_set(err, ERR_UNSUPPORTED,
			    "'%s': its backing file '%s' is no file", last->filename,
			    last->backing);
		if (is_known(all, last->backing_full) || all->n == IMG_CHAIN_MAX)
			return err_set(err, ERR_INVALID,
			    "Backing file '%s' creates an infinite loop.", last->backing_full);
		CLEANUP_FREE char *path = xstrdup(last->backing_full);
		CLEANUP_FREE char *format = xstrdup0(last->backing_format);
		if (ask(all, path, format, r->flags, err) < 0)
			return -1;
	}
}

/* --- telling: the order of members is qemu-img's ---------------------------------------------------- */
static void dump_bitmaps(struct img_dump *d, const struct img_info *info)
{
	if (info->n_bitmaps == 0)
		return;
	img_dump_list(d, "bitmaps");
	for (size_t i = 0; i < info->n_bitmaps; i++) {
		const struct img_bitmap *b = &info->bitmaps[i];
		img_dump_object(d, NULL);
		img_dump_list(d, "flags");
		if (b->in_use)
			img_dump_text(d, NULL, "in-use");
		if (b->automatic)
			img_dump_text(d, NULL, "auto");
		img_dump_end(d);
		img_dump_text(d, "name", b->name);
		img_dump_u64(d, "granularity", b->granularity);
		img_dump_end(d);
	}
	img_dump_end(d);
}

static void dump_qcow2(struct img_dump *d, const struct img_info *info)
{
	bool v3 = strcmp(info->compat, "0.10") != 0;
	img_dump_text(d, "compat", info->compat);
	img_dump_text(d, "compression-type", info->compression);
	if (v3)
		img_dump_bool(d, "lazy-refcounts", info->lazy_refcounts);
	dump_bitmaps(d, info);
	img_dump_u64(d, "refcount-bits", info->refcount_bits);
	if (info->encryption) {
		img_dump_object(d, "encrypt");
		img_dump_text(d, "format", info->encryption);
		img_dump_end(d);
	}
	if (info->data_file) {
		img_dump_text(d, "data-file", info->data_file);
		img_dump_bool(d, "data-file-raw", info->data_file_raw);
	}
	if (v3) {
		img_dump_bool(d, "corrupt", info->corrupt);
		img_dump_bool(d, "extended-l2", info->extended_l2);
	}
}

static void dump_vmdk(struct img_dump *d, const struct img_info *info)
{
	img_dump_u64(d, "cid", info->vmdk_cid);
	img_dump_u64(d, "parent-cid", info->vmdk_parent_cid);
	img_dump_text(d, "create-type", info->vmdk_type);
	img_dump_list(d, "extents");
	for (size_t i = 0; i < info->n_parts; i++) {
		const struct img_part *p = &info->parts[i];
		img_dump_object(d, NULL);
		if (p->compressed)
			img_dump_bool(d, "compressed", true);
		img_dump_u64(d, "virtual-size", p->virtual_size);
		img_dump_text(d, "filename", p->filename);
		if (p->cluster > 0)
			img_dump_u64(d, "cluster-size", p->cluster);
		img_dump_text(d, "format", p->format);
		img_dump_end(d);
	}
	img_dump_end(d);
}

/* NULL: nothing is told of the format alone. */
static void (*find_specific(const struct img_info *info))(
    struct img_dump *, const struct img_info *)
{
	return info->compat ? dump_qcow2 : info->vmdk_type ? dump_vmdk : NULL;
}

static void dump_snapshots(struct img_dump *d, const struct img_info *info)
{
	if (info->n_snapshots == 0)
		return;
	img_dump_list(d, "snapshots");
	for (size_t i = 0; i < info->n_snapshots; i++) {
		const struct img_snapshot *s = &info->snapshots[i];
		img_dump_object(d, NULL);
		if (s->icount != UINT64_MAX)
			img_dump_u64(d, "icount", s->icount);
		img_dump_u64(d, "vm-clock-nsec", s->clock_ns % 1000000000);
		img_dump_text(d, "name", s->name);
		img_dump_u64(d, "date-sec", s->date);
		img_dump_u64(d, "date-nsec", s->date_ns);
		img_dump_u64(d, "vm-clock-sec", s->clock_ns / 1000000000);
		img_dump_text(d, "id", s->id);
		img_dump_u64(d, "vm-state-size", s->vm_state);
		img_dump_end(d);
	}
	img_dump_end(d);
}

/* A protocol stays a part of the name. */
static const char *full_name(const struct img_info *info)
{
	return info->backing_full && !str_prefix(info->backing, "file:") ? info->backing_full
	                                                                 : info->backing;
}

static void dump_json(struct img_dump *d, const struct img_info *info)
{
	void (*specific)(struct img_dump *, const struct img_info *) = find_specific(info);
	img_dump_object(d, NULL);
	if (info->backing_format)
		img_dump_text(d, "backing-filename-format", info->backing_format);
	dump_snapshots(d, info);
	img_dump_u64(d, "virtual-size", info->virtual_size);
	img_dump_text(d, "filename", info->filename);
	if (info->cluster > 0)
		img_dump_u64(d, "cluster-size", info->cluster);
	img_dump_text(d, "format", disk_format_name(info->format));
	img_dump_u64(d, "actual-size", info->actual_size);
	if (specific) {
		img_dump_object(d, "format-specific");
		img_dump_text(d, "type", disk_format_name(info->format));
		img_dump_object(d, "data");
		specific(d, info);
		img_dump_end(d);
		img_dump_end(d);
	}
	if (info->backing)
		img_dump_text(d, "full-backing-filename", full_name(info));
	if (info->encrypted)
		img_dump_bool(d, "encrypted", true);
	if (info->backing)
		img_dump_text(d, "backing-filename", info->backing);
	img_dump_bool(d, "dirty-flag", info->dirty);
	img_dump_end(d);
}

static void add_line(struct buf *out, const char *what, const char *text)
{
	CLEANUP_FREE char *safe = str_printable(text, strlen(text), SIZE_MAX);
	buf_addf(out, "%s: %s", what, safe);
}

static void add_backing(struct buf *out, const struct img_info *info)
{
	if (!info->backing)
		return;
	add_line(out, "backing file", info->backing);
	if (strcmp(full_name(info), info->backing) != 0) {
		add_line(out, " (actual path", full_name(info));
		buf_addc(out, ')');
	}
	buf_addc(out, '\n');
	if (info->backing_format) {
		add_line(out, "backing file format", info->backing_format);
		buf_addc(out, '\n');
	}
}

static void add_human(struct buf *out, const struct img_info *info)
{
	char virtual[IMG_DUMP_SIZE_MAX], actual[IMG_DUMP_SIZE_MAX];
	void (*specific)(struct img_dump *, const struct img_info *) = find_specific(info);
	img_dump_size(info->virtual_size, virtual);
	img_dump_size(info->actual_size, actual);
	add_line(out, "image", info->filename);
	buf_addf(out, "\nfile format: %s\nvirtual size: %s (%" PRIu64 " bytes)\ndisk size: %s\n",
	    disk_format_name(info->format), virtual, info->virtual_size, actual);
	if (info->encrypted)
		buf_adds(out, "encrypted: yes\n");
	if (info->cluster > 0)
		buf_addf(out, "cluster_size: %" PRIu32 "\n", info->cluster);
	if (info->dirty)
		buf_adds(out, "cleanly shut down: no\n");
	add_backing(out, info);
	img_dump_snapshots(info->snapshots, info->n_snapshots, out);
	if (!specific)
		return;
	struct img_dump d;
	img_dump_init(&d, false, 1);
	specific(&d, info);
	buf_addf(out, "Format specific information:\n%s", d.text.data ? d.text.data : "");
	img_dump_fini(&d);
}

static void print_infos(const struct infos *all, const struct request *r)
{
	struct img_dump d;
	img_dump_init(&d, r->json, 0);
	if (r->json && r->chain)
		img_dump_list(&d, NULL);
	for (size_t i = 0; i < all->n; i++) {
		if (r->json) {
			dump_json(&d, &all->one[i]);
			continue;
		}
		if (i > 0)
			buf_addc(&d.text, '\n');
		add_human(&d.text, &all->one[i]);
	}
	if (r->json && r->chain)
		img_dump_end(&d);
	fwrite(d.text.data, 1, d.text.len, stdout);
	img_dump_fini(&d);
}

/* --- the command ----------------------------------------------------------------------------------- */
static int read_words(struct imgcmd_call *c, struct request *r)
{
	*r = (struct request){0};
	for (int code; (code = imgcmd_next(c)) != -1;)
		switch (code) {
		case 'f':
			r->format = c->value;
			break;
		case 'U':
			r->flags |= IMG_FORCE_SHARE;
			break;
		case OPT_CHAIN:
			r->chain = true;
			break;
		case OPT_OUTPUT:
			if (imgcmd_form(c, &r->json) < 0)
				return 1;
			break;
		default:
			return 1;
		}
	if (c->argc - c->at != 1)
		return imgcmd_usage(c, "Expecting one image file name");
	r->path = c->argv[c->at];
	return 0;
}

static int run(struct imgcmd_call *c)
{
	struct request r;
	struct err err = {0};
	CLEANUP(infos_fini) struct infos all = {0};
	if (read_words(c, &r) != 0)
		return 1;
	if (ask_chain(&all, &r, &err) < 0)
		return err.code == ERR_UNSUPPORTED ? imgcmd_hand_over(c, &err)
		                                   : imgcmd_fail(c, &err);
	print_infos(&all, &r);
	return 0;
}

const struct imgcmd imgcmd_info = {
    .name = "info",
    .args = "[-f FMT] [--output=FORM] [--backing-chain] [-U] FILE",
    .summary = "what is known of an image: format, sizes, backing file, snapshots",
    .opts = opts,
    .run = run,
    .reads = true,
};
