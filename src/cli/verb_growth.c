/* growth, and the hidden verb by which supervisors record it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "cli/dispatch.h"
#include "cli/out.h"
#include "core/domain.h"
#include "core/file.h"
#include "core/growth.h"
#include "core/mem.h"
#include "core/store.h"
#include "core/str.h"
#include "core/timestamp.h"
#include "disk/img.h"

#define HANG_S 30 /* a file system that does not answer is given up */
#define DAY_S 86400.0

static uint64_t now_s(void)
{
	return timestamp_ns() / 1000000000u;
}

/* --- recording --- */

static void record(const struct home *h, const char *path, uint64_t used, uint64_t capacity)
{
	const struct growth_sample s = {now_s(), used, capacity};
	if (capacity > 0)
		growth_record(h, path, &s, NULL);
}

static void record_folder(const struct home *h, const char *folder)
{
	struct statvfs v;
	if (!growth_due(h, folder, now_s()) || statvfs(folder, &v) < 0)
		return;
	/* As df(1): what only root may still write is not there. */
	uint64_t used = (uint64_t)(v.f_blocks - v.f_bfree) * v.f_frsize;
	record(h, folder, used, used + (uint64_t)v.f_bavail * v.f_frsize);
}

static void record_image(const struct home *h, const struct disk_image *image)
{
	struct stat st;
	if (stat(image->path, &st) < 0 || !S_ISREG(st.st_mode))
		return;
	CLEANUP(img_drop)
	struct img *im = img_look(image->path, disk_format_name(image->format), NULL);
	if (!im)
		return;
	record(h, image->path, (uint64_t)st.st_blocks * 512, im->size);
	CLEANUP_FREE char *folder = xstrdup(image->path);
	*strrchr(folder, '/') = '\0';
	record_folder(h, folder[0] ? folder : "/");
}

int verb_growth_record(struct cli *c)
{
	CLEANUP_BUF struct buf xml = BUF_INIT;
	CLEANUP(domain_fini) struct domain d = {0};
	CLEANUP_FREE char *path = home_run_file(&c->home, cli_value(c, "name"), "live.xml");
	alarm(HANG_S);
	if (file_read(path, STORE_XML_MAX, &xml, NULL) < 0 || xml.len == 0 ||
	    domain_parse(xml.data, xml.len, path, DOMAIN_PARSE_LENIENT, &d, NULL, NULL) < 0)
		return CLI_FAILED;
	for (size_t i = 0; i < d.n_disks; i++) {
		const struct domain_disk *k = &d.disks[i];
		if (k->device == DISK_DISK && k->image.type == IMAGE_FILE && k->image.path &&
		    k->image.path[0] == '/')
			record_image(&c->home, &k->image);
	}
	return CLI_DONE;
}

/* --- telling --- */

struct story {
	struct growth_sample last, first;
	size_t n;
	struct growth_forecast forecast;
};

static bool read_story(const struct cli *c, const char *path, struct story *s)
{
	struct growth_sample samples[GROWTH_SAMPLES];
	s->n = growth_read(&c->home, path, now_s(), samples);
	if (s->n == 0)
		return false;
	s->first = samples[0];
	s->last = samples[s->n - 1];
	growth_forecast(samples, s->n, now_s(), &s->forecast);
	return true;
}

static void add_row(struct out_table *t, const char *path, const struct story *s)
{
	char used[STR_HUMAN_MAX], capacity[STR_HUMAN_MAX], percent[16], day[STR_HUMAN_MAX] = "-",
	                                                                full[STR_HUMAN_MAX] = "-";
	str_human(s->last.used, used);
	str_human(s->last.capacity, capacity);
	snprintf(percent, sizeof(percent), "%.0f%%",
	    100.0 * (double)s->last.used / (double)s->last.capacity);
	if (s->forecast.per_second > 0)
		str_human((uint64_t)(s->forecast.per_second * DAY_S), day);
	if (s->forecast.full_in_s >= 0)
		str_age((uint64_t)s->forecast.full_in_s, full);
	const char *cells[] = {path, used, capacity, percent, day, full};
	out_table_row(t, cells);
}

static struct json_object *story_json(const char *path, const struct story *s)
{
	const struct growth_forecast *f = &s->forecast;
	struct json_object *o = json_object_new_object();
	out_add_str(o, "path", path);
	out_add_u64(o, "used", s->last.used);
	out_add_u64(o, "capacity", s->last.capacity);
	out_add_u64(o, "time", s->last.time_s);
	out_add_u64(o, "since", s->first.time_s);
	out_add_u64(o, "used_then", s->first.used);
	out_add_u64(o, "samples", s->n);
	json_object_object_add(
	    o, "full_in", f->full_in_s >= 0 ? json_object_new_int64(f->full_in_s) : NULL);
	json_object_object_add(o, "per_day",
	    f->per_second > 0 ? json_object_new_int64((int64_t)(f->per_second * DAY_S)) : NULL);
	json_object_object_add(o, "by", f->by_s ? json_object_new_uint64(f->by_s) : NULL);
	return o;
}

static int print_all(struct cli *c, const char *const *paths, size_t n, bool named)
{
	static const char *const heads[] = {"Path", "Used", "Capacity", "Full", "A day", "Full in"};
	CLEANUP_BUF struct buf b = BUF_INIT;
	struct out_table *t = out_table_new(ARRAY_LEN(heads), heads);
	struct json_object *list = json_object_new_array();
	int status = CLI_DONE;
	for (size_t i = 0; i < n; i++) {
		struct story s;
		if (read_story(c, paths[i], &s)) {
			add_row(t, paths[i], &s);
			json_object_array_add(list, story_json(paths[i], &s));
		} else if (named) {
			out_error(
			    "nothing is recorded of '%s': 'hvmux growth' lists what is", paths[i]);
			status = CLI_FAILED;
		}
	}
	if (c->json) {
		out_json(list);
	} else {
		json_object_put(list);
		out_table_format(t, !c->quiet, &b);
		fwrite(b.data, 1, b.len, stdout);
	}
	out_table_free(t);
	return status;
}

int verb_growth(struct cli *c)
{
	unsigned given;
	const char *const *words = cli_values(c, "path", &given);
	if (given)
		return print_all(c, words, given, true);
	size_t n;
	char **paths = growth_paths(&c->home, &n);
	int status = print_all(c, (const char *const *)paths, n, false);
	growth_paths_free(paths);
	return status;
}
