/* domblkinfo: how large a disk is: what the guest sees, what it takes on the host; from QEMU while the domain runs, else from
 * the image itself. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/facts.h"
#include "cli/live.h"
#include "cli/out.h"
#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"
#include "disk/img.h"

/* Bytes. known: false for an empty drive, and for what is on another machine. */
struct sizes {
	bool known;
	uint64_t capacity, allocation, physical;
};

/* --- where from --- */

static int file_sizes(const char *path, struct sizes *s, struct err *err)
{
	struct stat st;
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, errno, "cannot read '%s'", path);
	s->physical = (uint64_t)st.st_size;
	s->allocation = (uint64_t)st.st_blocks * 512;
	if (S_ISBLK(st.st_mode)) {
		if (ioctl(fd, BLKGETSIZE64, &s->physical) < 0)
			return err_errno(err, errno, "cannot ask the size of '%s'", path);
		s->allocation = s->physical;
	}
	return 0;
}

/* Of an image that no QEMU has open. */
static int image_sizes(const struct disk_image *image, struct sizes *s, struct err *err)
{
	if (!image->path || (image->type != IMAGE_FILE && image->type != IMAGE_BLOCK))
		return 0;
	if (file_sizes(image->path, s, err) < 0)
		return -1;
	CLEANUP(img_drop)
	struct img *im = img_look(image->path, disk_format_name(image->format), err);
	if (!im)
		return err->code == ERR_UNSUPPORTED
		           ? err_set(err, ERR_UNSUPPORTED,
		                 "'%s': the capacity of a %s image is known while its domain runs; 'qemu-img info' tells it, too",
		                 image->path, disk_format_name(image->format))
		           : -1;
	s->capacity = im->size;
	s->known = true;
	return 0;
}

static void qemu_sizes(struct json_object *block, const struct disk_image *image, struct sizes *s)
{
	struct json_object *in = json_get_obj(json_get_obj(block, "inserted"), "image");
	int64_t capacity = json_get_int(in, "virtual-size", -1);
	int64_t allocation = json_get_int(in, "actual-size", -1);
	if (capacity < 0)
		return;
	/* A block device, and a file that we may not read: QEMU's figures alone. */
	if (!image->path || file_sizes(image->path, s, NULL) < 0)
		s->physical = s->allocation =
		    allocation > 0 ? (uint64_t)allocation : (uint64_t)capacity;
	s->capacity = (uint64_t)capacity;
	s->known = true;
}

/* --- printing --- */

static void size_text(const struct cli *c, uint64_t bytes, char out[48])
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	unsigned u = 0;
	uint64_t whole = bytes, thousandths = 0;
	if (!cli_flag(c, "human")) {
		snprintf(out, 48, "%" PRIu64, bytes);
		return;
	}
	for (; whole >= 1024; u++) { /* never a locale's decimal comma */
		thousandths = (whole % 1024) * 1000 / 1024;
		whole /= 1024;
	}
	snprintf(out, 48, "%" PRIu64 ".%03u %s", whole, (unsigned)thousandths, units[u]);
}

static void print_one(const struct cli *c, const struct sizes *s)
{
	const struct {
		const char *name;
		uint64_t bytes;
	} lines[] = {
	    {"Capacity:", s->capacity}, {"Allocation:", s->allocation}, {"Physical:", s->physical}};
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		char text[48];
		size_text(c, lines[i].bytes, text);
		printf("%-15s %s\n", lines[i].name, text);
	}
}

static struct json_object *sizes_json(const char *target, const struct sizes *s)
{
	struct json_object *o = json_object_new_object();
	const char *const keys[] = {"capacity_bytes", "allocation_bytes", "physical_bytes"};
	const uint64_t values[] = {s->capacity, s->allocation, s->physical};
	out_add_str(o, "target", target);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		json_object_object_add(
		    o, keys[i], s->known ? json_object_new_uint64(values[i]) : NULL);
	return o;
}

static void print_all(const struct cli *c, const struct domain *d, const struct sizes *s)
{
	static const char *const heads[] = {"Target", "Capacity", "Allocation", "Physical"};
	struct out_table *t = out_table_new(4, heads);
	for (size_t i = 0; i < d->n_disks; i++) {
		char text[3][48] = {"-", "-", "-"};
		if (s[i].known) {
			size_text(c, s[i].capacity, text[0]);
			size_text(c, s[i].allocation, text[1]);
			size_text(c, s[i].physical, text[2]);
		}
		out_table_row(
		    t, (const char *const[]){d->disks[i].target ? d->disks[i].target : "-", text[0],
		           text[1], text[2]});
	}
	CLEANUP_BUF struct buf b = BUF_INIT;
	out_table_format(t, !c->quiet, &b);
	fputs(b.data ? b.data : "", stdout);
	out_table_free(t);
}

/* --- the verb --- */

static int all_sizes(
    struct live *l, const struct domain *d, struct sizes *s, size_t only, struct err *err)
{
	struct json_object *list = NULL;
	int rc = 0;
	if (l && live_qmp(l, "query-block", NULL, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < d->n_disks && rc == 0; i++) {
		if (only < d->n_disks && i != only)
			continue;
		if (l)
			qemu_sizes(live_disk(list, d, i), &d->disks[i].image, &s[i]);
		else
			rc = image_sizes(&d->disks[i].image, &s[i], err);
	}
	json_object_put(list);
	return rc;
}

static void print_sizes(
    const struct cli *c, const struct domain *d, const struct sizes *s, size_t only)
{
	if (only < d->n_disks && c->json) {
		out_json(sizes_json(d->disks[only].target, &s[only]));
	} else if (only < d->n_disks) {
		print_one(c, &s[only]);
	} else if (c->json) {
		struct json_object *all = json_object_new_array();
		for (size_t i = 0; i < d->n_disks; i++)
			json_object_array_add(all, sizes_json(d->disks[i].target, &s[i]));
		out_json(all);
	} else {
		print_all(c, d, s);
	}
}

/* l NULL: the domain is off. */
static int tell_sizes(struct cli *c, struct live *l, const struct domain *d, struct err *err)
{
	size_t only = d->n_disks;
	if (!cli_flag(c, "all") && live_find_disk(d, cli_value(c, "device"), &only, err) < 0)
		return -1;
	CLEANUP_FREE struct sizes *s = xcalloc(d->n_disks + 1, sizeof(*s));
	if (all_sizes(l, d, s, only, err) < 0)
		return -1;
	if (only < d->n_disks && !s[only].known)
		return err_set(err, ERR_STATE, "disk '%s' has no image whose size is known here",
		    d->disks[only].target);
	print_sizes(c, d, s, only);
	return 0;
}

int verb_domblkinfo(struct cli *c)
{
	struct err err = {0};
	struct live l = {0};
	struct domain d = {0};
	if (!cli_flag(c, "all") && !cli_value(c, "device")) {
		out_error("command 'domblkinfo' requires <device> option");
		return CLI_FAILED;
	}
	int rc = live_open_domain(c, &l, &d, &err);
	bool off = rc < 0 && err.code == ERR_STATE && l.name;
	if (off)
		rc = facts_definition(&c->home, l.name, &d, &err);
	if (rc == 0)
		rc = tell_sizes(c, off ? NULL : &l, &d, &err);
	live_fini(&l);
	domain_fini(&d);
	return rc == 0 ? CLI_DONE : live_failed(NULL, &err);
}
