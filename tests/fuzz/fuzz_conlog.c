/* A console's log and its index from anywhere: plain or gzip, whole or torn; the checksums of the index are made right
 * where the first byte says so, so that what lies gets through to the reader. It ends, hands out no more than there is
 * and of a plain log no less than its marks may take, by whatever way it is asked; and lines of it are clean text.
 *
 *	byte: 1 gzip, 2 checksums made right, 4 the file is a rotated one; u16 bytes of the index; the index; the log */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "core/buf.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/str.h"
#include "serial/conlog_reader.h"
#include "serial/line_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MARK_MAX 1024u         /* bytes of a log that one mark may take */
#define EXPAND_MAX (64u << 20) /* deflate's 1:1032 of an input of 64 KiB */

static struct home home;
static char *folder;

static void remove_home(void)
{
	file_remove_tree(home.log, NULL);
	file_remove_tree(home.run, NULL);
	CLEANUP_FREE char *top = xstrdup(home.log);
	*strrchr(top, '/') = '\0';
	rmdir(top);
	home_fini(&home);
	free(folder);
}

static void home_once(void)
{
	char dir[] = "/tmp/hvmux-fuzz.XXXXXX";

	if (folder)
		return;
	if (!mkdtemp(dir))
		abort();
	setenv("HVMUX_HOME", dir, 1);
	if (home_init(&home, NULL, NULL) < 0)
		abort();
	folder = home_log_dir(&home, "f");
	if (home_mkdir(&home, folder, NULL) < 0)
		abort();
	atexit(remove_home);
}

static void write_file(const char *suffix, const uint8_t *p, size_t n)
{
	CLEANUP_FREE char *path = xasprintf("%s/console0.log%s", folder, suffix);
	CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || fd_write_all(fd, p, n) < 0)
		abort();
}

static void remove_file(const char *suffix)
{
	CLEANUP_FREE char *path = xasprintf("%s/console0.log%s", folder, suffix);

	unlink(path);
}

static void checksums(uint8_t *p, size_t n)
{
	for (; n >= CONLOG_INDEX_RECORD; p += CONLOG_INDEX_RECORD, n -= CONLOG_INDEX_RECORD) {
		uint32_t crc = (uint32_t)crc32(0, p, CONLOG_INDEX_RECORD - 4);

		for (unsigned i = 0; i < 4; i++)
			p[CONLOG_INDEX_RECORD - 4 + i] = (uint8_t)(crc >> 8 * i);
	}
}

struct sums {
	size_t bytes, marks;
};

static void check_text(struct line_text *t, const struct conlog_piece *p)
{
	CLEANUP_BUF struct buf out = BUF_INIT;

	line_text_clean(t, p->data, p->n < 4096 ? p->n : 4096, &out);
	if (!str_utf8_valid(out.data ? out.data : "", out.len))
		abort();
	for (size_t i = 0; i < out.len; i++)
		if (((uint8_t)out.data[i] < 0x20 && out.data[i] != '\n') || out.data[i] == 0x7f)
			abort();
}

static struct sums read_all(struct conlog_reader *r)
{
	struct conlog_piece p = {0};
	struct line_text t = {0};
	struct sums s = {0};

	while (conlog_reader_next(r, &p) == 1) {
		s.marks += p.is_mark;
		if (p.is_mark && (p.mark.kind == 0 || p.mark.kind >= CONLOG_MARKS))
			abort();
		if (p.is_mark)
			continue;
		s.bytes += p.n;
		if (p.n == 0 || p.n > CONLOG_PIECE_MAX || p.n_times == 0 || p.times[0].at != 0)
			abort();
		for (size_t i = 1; i < p.n_times; i++)
			if (p.times[i].at < p.times[i - 1].at || p.times[i].at >= p.n)
				abort();
		check_text(&t, &p);
	}
	conlog_piece_fini(&p);
	line_text_fini(&t);
	return s;
}

static void check_reader(size_t log, bool gzip)
{
	struct conlog_reader *r = conlog_reader_new(&home, "f", 0, NULL);
	struct conlog_boot *boots;
	struct sums all, some;
	size_t n;

	if (!r)
		abort();
	all = read_all(r);
	if (all.bytes > (gzip ? EXPAND_MAX : log) ||
	    (!gzip && all.bytes + all.marks * MARK_MAX < log))
		abort();
	conlog_reader_seek_back(r, 100);
	some = read_all(r);
	if (some.bytes > all.bytes + MARK_MAX)
		abort();
	n = conlog_reader_boots(r, &boots);
	for (size_t i = 0; i < n && i < 4; i++) {
		conlog_reader_seek_boot(r, boots, n, i);
		read_all(r);
	}
	free(boots);
	conlog_reader_free(r);
	r = conlog_reader_new(&home, "f", 0, NULL);
	conlog_reader_seek_time(r, 1795258080000000000u);
	conlog_reader_until(r, 1795258090000000000u);
	some = read_all(r);
	if (some.bytes > all.bytes)
		abort();
	conlog_reader_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t how = size ? data[0] : 0;
	size_t n = size > 2 ? (size_t)data[1] | (size_t)data[2] << 8 : 0;
	size_t head = size > 3 ? 3 : size;
	bool rotated = how & 5;
	CLEANUP_FREE uint8_t *index = NULL;

	home_once();
	if (n > size - head)
		n = size - head;
	index = xmalloc(n + 1);
	if (n > 0)
		memcpy(index, data + head, n);
	if (how & 2)
		checksums(index, n);
	write_file(rotated ? ".1.idx" : ".idx", index, n);
	write_file(how & 1 ? ".1.gz" : rotated ? ".1" : "", data + head + n, size - head - n);
	check_reader(size - head - n, how & 1);
	remove_file(rotated ? ".1.idx" : ".idx");
	remove_file(how & 1 ? ".1.gz" : rotated ? ".1" : "");
	return 0;
}
