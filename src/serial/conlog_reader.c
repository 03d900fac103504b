#include "serial/conlog_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/mem.h"
#include "serial/conlog_reader_impl.h"

#define MARK_TEXT_MAX 1024u /* of a mark of ours; longer is a lie */

/* --- pieces --- */

void conlog_piece_fini(struct conlog_piece *p)
{
	free(p->data);
	free(p->times);
	*p = (struct conlog_piece){0};
}

uint64_t conlog_piece_time(const struct conlog_piece *p, size_t at)
{
	size_t low = 0, high = p->n_times;

	while (low < high) {
		size_t k = low + (high - low) / 2;

		if (p->times[k].at <= at)
			low = k + 1;
		else
			high = k;
	}
	return low ? p->times[low - 1].ns : 0;
}

static void piece_begin(struct conlog_piece *p)
{
	if (!p->data)
		p->data = xmalloc(CONLOG_PIECE_MAX);
	p->is_mark = false;
	p->n = p->n_times = 0;
}

static void piece_time(struct conlog_piece *p, size_t at, uint64_t ns)
{
	if (p->n_times == p->cap_times)
		p->times = xreallocarray(p->times,
		    p->cap_times = p->cap_times ? p->cap_times * 2 : 16, sizeof(*p->times));
	p->times[p->n_times++] = (struct conlog_time){.at = at, .ns = ns};
}

static int piece_mark(struct conlog_piece *p, const struct conlog_record *mark)
{
	p->is_mark = true;
	p->mark = *mark;
	return 1;
}

static int piece_lost(struct conlog_reader *r, struct conlog_piece *p)
{
	struct conlog_record mark = {.kind = CONLOG_HOLE, .number = r->lost, .time_ns = r->time_ns};

	r->lost = 0;
	r->lost_any = false;
	return piece_mark(p, &mark);
}

/* --- files --- */

static bool tells_time(const struct conlog_record *rec)
{
	return rec->kind == CONLOG_TIME || rec->kind == CONLOG_BEGIN;
}

static struct history_file *file_now(struct conlog_reader *r)
{
	return &r->files[r->file];
}

static uint64_t file_pos(struct conlog_reader *r)
{
	return conlog_source_pos(file_now(r)->source);
}

/* The index as it is now, up to what the log has now: in that order a mark is never taken for the guest's. */
static void index_load(struct conlog_reader *r)
{
	struct history_file *f = file_now(r);
	uint64_t pos = file_pos(r);

	conlog_index_fini(&r->index);
	if (!conlog_source_size(f->source, &r->size))
		r->size = UINT64_MAX / 4;
	conlog_index_read(f->index_fd, r->size, &r->index);
	r->bytes_read += r->index.bytes_read;
	r->stop = seek_stop(r);
	r->record = pos ? (size_t)(conlog_index_at(&r->index, pos - 1) + 1) : 0;
}

static void file_leave(struct conlog_reader *r)
{
	conlog_index_fini(&r->index);
	r->entered = false;
}

void reader_at(struct conlog_reader *r, unsigned file, uint64_t pos)
{
	file_leave(r);
	r->file = file;
	r->after = file < r->n_files ? pos : 0;
	r->carry_n = 0;
	r->damage = false;
}

void reader_go(struct conlog_reader *r, unsigned file, uint64_t pos)
{
	reader_at(r, file, pos);
	ring_free(r->ring);
	r->ring = NULL;
	r->place_known = false;
}

void reader_move(struct conlog_reader *r, uint64_t pos)
{
	long at = conlog_index_at(&r->index, pos);

	r->damage = conlog_source_seek(file_now(r)->source, pos) < 0;
	r->record = pos ? (size_t)(conlog_index_at(&r->index, pos - 1) + 1) : 0;
	r->time_ns = at < 0 ? 0 : r->index.records[at].time_ns;
}

void reader_enter(struct conlog_reader *r)
{
	if (r->entered)
		return;
	r->entered = true;
	index_load(r);
	reader_move(r, r->after);
}

/* Is that the text of a mark of ours? A guest's line must not vanish because an index lies. */
static bool mark_text(const uint8_t *p, size_t n)
{
	static const char head[] = "[hvmux: ";
	size_t skip = n > 0 && p[0] == '\n';

	p += skip;
	n -= skip;
	return n > sizeof(head) + 1 && memcmp(p, head, sizeof(head) - 1) == 0 && p[n - 2] == ']' &&
	       memchr(p, '\n', n) == p + n - 1;
}

static size_t read_all(struct conlog_source *s, uint8_t *out, size_t n)
{
	size_t got = 0;
	ssize_t k;

	while (got < n && (k = conlog_source_read(s, out + got, n - got)) > 0)
		got += (size_t)k;
	return got;
}

static void remember(struct conlog_reader *r, const struct conlog_record *mark)
{
	if (r->n_seen == ARRAY_LEN(r->seen))
		memmove(r->seen, r->seen + 1, --r->n_seen * sizeof(r->seen[0]));
	r->seen[r->n_seen++] = *mark;
}

/* A mark that we have come to; its text is passed over, or kept for the next piece when it is the guest's. */
static int file_mark(struct conlog_reader *r, struct conlog_piece *p)
{
	struct conlog_record *mark = &r->index.records[r->record++];

	r->time_ns = mark->time_ns;
	if (mark->pos == file_pos(r) && mark->length > 0) {
		if (!r->carry)
			r->carry = xmalloc(UINT16_MAX);
		r->carry_n = read_all(file_now(r)->source, r->carry, mark->length);
		if (mark->length <= MARK_TEXT_MAX && r->carry_n == mark->length &&
		    mark_text(r->carry, r->carry_n))
			r->carry_n = 0;
	}
	remember(r, mark);
	return piece_mark(p, mark);
}

/* Bytes up to the next mark or to where it ends. */
static size_t file_room(struct conlog_reader *r)
{
	uint64_t pos = file_pos(r), end = file_now(r)->live ? r->size : UINT64_MAX;

	if (r->stop < end)
		end = r->stop;
	for (size_t i = r->record; i < r->index.n; i++) {
		const struct conlog_record *rec = &r->index.records[i];

		if (rec->pos >= pos + CONLOG_PIECE_MAX)
			break;
		if (!tells_time(rec)) {
			end = rec->pos < end ? rec->pos : end;
			break;
		}
	}
	return end <= pos                     ? 0
	       : end - pos < CONLOG_PIECE_MAX ? (size_t)(end - pos)
	                                      : CONLOG_PIECE_MAX;
}

/* Takes the records up to pos + n over into the piece's times. */
static void file_times(struct conlog_reader *r, struct conlog_piece *p, uint64_t pos)
{
	piece_time(p, 0, r->time_ns);
	for (; r->record < r->index.n; r->record++) {
		const struct conlog_record *rec = &r->index.records[r->record];

		if (rec->pos >= pos + p->n || !tells_time(rec))
			return;
		r->time_ns = rec->time_ns;
		piece_time(p, (size_t)(rec->pos - pos), rec->time_ns);
	}
}

static int file_carry(struct conlog_reader *r, struct conlog_piece *p)
{
	memcpy(p->data, r->carry, r->carry_n);
	p->n = r->carry_n;
	r->carry_n = 0;
	piece_time(p, 0, r->time_ns);
	return 1;
}

static int file_damage(struct conlog_reader *r, struct conlog_piece *p)
{
	struct conlog_record mark = {.kind = CONLOG_DAMAGED,
	    .number = conlog_source_lost(file_now(r)->source),
	    .time_ns = r->time_ns};

	r->damage = false;
	return piece_mark(p, &mark);
}

/* Marks and times at, or before, where we are. 1: a piece. */
static int file_records(struct conlog_reader *r, struct conlog_piece *p)
{
	while (r->record < r->index.n && r->index.records[r->record].pos <= file_pos(r) &&
	       file_pos(r) < r->stop) {
		if (!tells_time(&r->index.records[r->record]))
			return file_mark(r, p);
		r->time_ns = r->index.records[r->record++].time_ns;
	}
	return 0;
}

/* Has the live file, or its index, grown? */
static bool file_grew(struct conlog_reader *r)
{
	uint64_t had = r->size;
	size_t records = r->index.n;
	struct stat log, index;

	if (!file_now(r)->live || fstat(conlog_source_fd(file_now(r)->source), &log) < 0 ||
	    ((uint64_t)log.st_size == had && (fstat(file_now(r)->index_fd, &index) < 0 ||
	                                         (uint64_t)index.st_size == r->index.bytes_read)))
		return false;
	index_load(r);
	return r->size > had || r->index.n > records;
}

static int file_next(struct conlog_reader *r, struct conlog_piece *p)
{
	reader_enter(r);
	for (;;) {
		uint64_t pos = file_pos(r);
		ssize_t n;

		if (r->damage)
			return file_damage(r, p);
		if (r->carry_n > 0)
			return file_carry(r, p);
		if (file_records(r, p))
			return 1;
		n = conlog_source_read(file_now(r)->source, p->data, file_room(r));
		if (n < 0)
			return file_damage(r, p);
		if (n > 0) {
			p->n = (size_t)n;
			file_times(r, p, pos);
			return 1;
		}
		if (!file_grew(r))
			return 0;
	}
}

/* --- the ring --- */

static ino_t ring_inode_now(const struct conlog_reader *r)
{
	struct stat st;

	return lstat(r->ring_path, &st) == 0 ? st.st_ino : 0;
}

bool reader_ring(struct conlog_reader *r)
{
	ino_t inode;
	uint64_t run;

	do {
		ring_free(r->ring);
		inode = ring_inode_now(r);
		r->ring = inode ? ring_open_reader(r->ring_path, NULL) : NULL;
	} while (r->ring && inode != ring_inode_now(r));
	if (!r->ring)
		return false;
	run = ring_run(r->ring);
	/* Another run than the log's last one is one of which the log has nothing yet. */
	if (!r->place_known)
		r->offset = ring_logged(r->ring);
	else if (r->run != run)
		r->offset = 0;
	if (r->offset > ring_end(r->ring))
		r->offset = ring_end(r->ring);
	r->ring_inode = inode;
	r->run = run;
	r->place_known = true;
	ring_note_seek(r->ring, &r->notes, r->offset);
	r->has_note = false;
	return true;
}

static const uint8_t note_marks[] = {
    [RING_NOTE_TIME] = CONLOG_TIME,
    [RING_NOTE_BOOT] = CONLOG_BOOT,
    [RING_NOTE_RECONNECT] = CONLOG_RECONNECT,
    [RING_NOTE_END] = CONLOG_END,
};

static bool note_told(const struct conlog_reader *r, const struct ring_note *n)
{
	for (unsigned i = 0; i < r->n_seen; i++)
		if (r->seen[i].kind == note_marks[n->kind] && r->seen[i].time_ns == n->time_ns)
			return true;
	return false;
}

bool reader_note(struct conlog_reader *r)
{
	while (!r->has_note && ring_note_next(r->ring, &r->notes, &r->note))
		r->has_note = !note_told(r, &r->note);
	return r->has_note;
}

static int ring_mark(struct conlog_reader *r, struct conlog_piece *p)
{
	struct conlog_record mark = {.offset = r->note.offset,
	    .time_ns = r->note.time_ns,
	    .kind = note_marks[r->note.kind],
	    .value = r->note.value != 0};

	if (mark.kind == CONLOG_BOOT)
		mark.number = ++r->boots;
	r->time_ns = mark.time_ns;
	r->has_note = false;
	remember(r, &mark);
	return piece_mark(p, &mark);
}

/* The writer was faster than we: what the ring has lost may be in the log by now. True: it is. */
static bool ring_overtaken(struct conlog_reader *r, uint64_t now)
{
	uint64_t run = r->run, offset = r->offset;

	if (history_open(r, NULL) == 0 && seek_offset(r, run, offset))
		return true;
	r->file = r->n_files;
	r->lost = now - offset;
	r->lost_any = true;
	r->offset = now;
	if (!r->ring) {
		r->run = run;
		r->place_known = true;
		return !reader_ring(r);
	}
	if (r->has_note && r->note.kind == RING_NOTE_TIME)
		r->has_note = false;
	ring_note_skip_times(r->ring, &r->notes, now);
	return false;
}

/* 1, 0, or -1: it goes on in a file. */
static int ring_next(struct conlog_reader *r, struct conlog_piece *p)
{
	for (;;) {
		uint64_t room = CONLOG_PIECE_MAX, at = r->offset;

		if (r->lost_any)
			return piece_lost(r, p);
		if (r->bounded && r->offset >= r->stop_pos)
			return 0;
		if (reader_note(r) && r->note.offset <= r->offset) {
			if (r->note.time_ns > r->until_ns)
				return 0;
			if (r->note.kind != RING_NOTE_TIME)
				return ring_mark(r, p);
			r->time_ns = r->note.time_ns;
			r->has_note = false;
			continue;
		}
		if (r->has_note && r->note.offset - r->offset < room)
			room = r->note.offset - r->offset;
		if (r->bounded && r->stop_pos - r->offset < room)
			room = r->stop_pos - r->offset;
		p->n = ring_read(r->ring, &at, p->data, room);
		if (at != r->offset) {
			if (ring_overtaken(r, at))
				return -1;
			continue;
		}
		r->offset += p->n;
		piece_time(p, 0, r->time_ns);
		return p->n > 0;
	}
}

/* A VM that was started anew has a ring of its own. */
static bool ring_replaced(struct conlog_reader *r)
{
	ino_t now = ring_inode_now(r);

	if (now == 0 || now == r->ring_inode)
		return false;
	r->place_known = true; /* the new run differs: from its beginning */
	if (!reader_ring(r))
		return false;
	return true;
}

/* --- both --- */

/* The last file is read: where that is in the ring. */
static void files_end(struct conlog_reader *r)
{
	r->file = r->n_files;
	if (r->n_files == 0)
		return;
	r->file--;
	reader_enter(r);
	r->place_known = conlog_index_offset(&r->index, file_pos(r), &r->run, &r->offset);
	r->after = file_pos(r);
	r->boots = conlog_index_boots(&r->index);
	file_leave(r);
	r->file++;
}

/* At the end, and no ring: the log may have grown, or another one may have been begun. 0: nothing new. */
static bool files_again(struct conlog_reader *r)
{
	ino_t inode = r->n_files ? r->files[r->n_files - 1].inode : 0;
	uint64_t pos = r->after;
	struct stat st;

	if (lstat(r->path, &st) < 0)
		return false;
	if (inode == st.st_ino) {
		if ((uint64_t)st.st_size <= pos)
			return false;
		reader_go(r, r->n_files - 1, pos);
		return true;
	}
	if (history_open(r, NULL) < 0 || r->n_files == 0)
		return false;
	for (unsigned i = r->n_files; i-- > 0;) {
		if (r->files[i].inode == inode) {
			reader_go(r, i, pos);
			return true;
		}
	}
	reader_go(r, r->n_files - 1, 0);
	return true;
}

/* At the end of all files. */
static int tail_next(struct conlog_reader *r, struct conlog_piece *p)
{
	if (r->bounded && r->stop_file < r->n_files)
		return 0;
	if (!r->ring && !reader_ring(r))
		return files_again(r) ? -1 : 0;
	for (;;) {
		int rc = ring_next(r, p);

		if (rc != 0 || !ring_replaced(r))
			return rc;
	}
}

int conlog_reader_next(struct conlog_reader *r, struct conlog_piece *p)
{
	for (;;) {
		int rc;

		piece_begin(p);
		if (r->file < r->n_files) {
			if (r->bounded && r->file > r->stop_file)
				return 0;
			if (file_next(r, p))
				return 1;
			/* All that follows is too late. */
			if (file_pos(r) >= r->stop)
				return 0;
			if (r->file + 1 < r->n_files) {
				file_leave(r);
				r->file++;
				r->after = 0;
				continue;
			}
			files_end(r);
		}
		rc = tail_next(r, p);
		if (rc >= 0)
			return rc;
	}
}

struct conlog_reader *conlog_reader_new(
    const struct home *h, const char *name, unsigned index, struct err *err)
{
	struct conlog_reader *r = xcalloc(1, sizeof(*r));
	CLEANUP_FREE char *log = xasprintf("console%u.log", index);
	CLEANUP_FREE char *ring = xasprintf("console%u.ring", index);

	r->path = home_log_file(h, name, log);
	r->ring_path = home_run_file(h, name, ring);
	r->until_ns = UINT64_MAX;
	r->watch = -1;
	if (history_open(r, err) < 0) {
		conlog_reader_free(r);
		return NULL;
	}
	return r;
}

void conlog_reader_free(struct conlog_reader *r)
{
	if (!r)
		return;
	file_leave(r);
	history_close(r);
	ring_free(r->ring);
	if (r->watch >= 0)
		close(r->watch);
	free(r->carry);
	free(r->path);
	free(r->ring_path);
	free(r);
}

int conlog_reader_watch(struct conlog_reader *r)
{
	char *slash = strrchr(r->path, '/');
	CLEANUP_FREE char *dir = xstrndup(r->path, (size_t)(slash - r->path));

	/* Who waits does not hold on to files that were rotated away; the ring goes on by itself. */
	if (r->ring && r->file == r->n_files) {
		history_close(r);
		r->file = 0;
	}
	if (r->watch < 0)
		r->watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	/* The same folder again is no second watch; one that was not there may be now. */
	if (r->watch >= 0)
		(void)inotify_add_watch(
		    r->watch, dir, IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_ONLYDIR);
	return r->watch;
}

uint64_t conlog_reader_bytes_read(const struct conlog_reader *r)
{
	uint64_t n = r->bytes_read;

	for (unsigned i = 0; i < r->n_files; i++)
		n += conlog_source_bytes_read(r->files[i].source);
	return n;
}
