#include "core/status.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/loop.h"
#include "core/mem.h"
#include "core/str.h"

#define READ_TRIES 1000
#define HEAD_FIRST 4096u /* bytes read of a head at first: a few disks are among them */

const char *vm_state_name(enum vm_state s)
{
	static const char *const names[VM_STATE_COUNT] = {
	    [VM_OFF] = "shut off",
	    [VM_STARTING] = "starting",
	    [VM_RUNNING] = "running",
	    [VM_PAUSED] = "paused",
	    [VM_SHUTDOWN] = "in shutdown",
	    [VM_CRASHED] = "crashed",
	    [VM_PMSUSPENDED] = "pmsuspended",
	    [VM_STOPPING] = "in shutdown",
	};
	return (unsigned)s < VM_STATE_COUNT ? names[s] : "no state";
}

const char *status_port_word(enum status_port kind)
{
	static const char *const words[STATUS_PORT_COUNT] = {
	    [STATUS_PORT_SERIAL] = "serial",
	    [STATUS_PORT_HVC] = "hvc",
	    [STATUS_PORT_USB] = "usb",
	    [STATUS_PORT_PCI] = "pci",
	    [STATUS_PORT_DEBUG] = "debug",
	};
	return (unsigned)kind < STATUS_PORT_COUNT ? words[kind] : "port";
}

bool vm_state_live(enum vm_state s)
{
	return s == VM_STARTING || s == VM_RUNNING || s == VM_PAUSED || s == VM_SHUTDOWN ||
	       s == VM_PMSUSPENDED || s == VM_STOPPING;
}

const char *vm_reason_name(enum vm_reason r)
{
	static const char *const names[VM_REASON_COUNT] = {
	    [VM_REASON_UNKNOWN] = "unknown",
	    [VM_REASON_BOOTED] = "booted",
	    [VM_REASON_USER] = "user",
	    [VM_REASON_UNPAUSED] = "unpaused",
	    [VM_REASON_STARTED_PAUSED] = "starting up",
	    [VM_REASON_SHUTDOWN] = "shutdown",
	    [VM_REASON_DESTROYED] = "destroyed",
	    [VM_REASON_CRASHED] = "crashed",
	    [VM_REASON_PANICKED] = "panicked",
	    [VM_REASON_FAILED] = "failed",
	    [VM_REASON_IOERROR] = "I/O error",
	    [VM_REASON_WATCHDOG] = "watchdog",
	    [VM_REASON_INTERNAL] = "internal error",
	    [VM_REASON_LOST] = "lost",
	    [VM_REASON_SAVING] = "save",
	    [VM_REASON_SNAPSHOT] = "snapshot",
	    [VM_REASON_RESTORED] = "restored",
	    [VM_REASON_FROM_SNAPSHOT] = "from snapshot",
	    [VM_REASON_SAVED] = "saved",
	};
	return (unsigned)r < VM_REASON_COUNT ? names[r] : "unknown";
}

/* core/vm_process.c finds the processes of a VM by the pages of these versions, too. */
_Static_assert(offsetof(struct status_page, sup_pid) == 1024 &&
                   offsetof(struct status_page, started_ns) == 1048,
    "the pids of the page have moved");

static bool head_valid(const struct status_page *p)
{
	return p->magic == STATUS_MAGIC && p->version == STATUS_VERSION && p->size == sizeof(*p);
}

/* --- writer --- */

/* A page of another version's size is left to those who have it mapped: cut under their hands, it
 * would end them by SIGBUS. */
static int open_page(const char *path)
{
	struct stat st;
	CLEANUP_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -1;
	if (st.st_size == 0 || st.st_size == (off_t)sizeof(struct status_page))
		return TAKE_FD(fd);
	if (unlink(path) < 0)
		return -1;
	return open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
}

int status_writer_open(struct status_writer *w, const char *path, bool keep, struct err *err)
{
	CLEANUP_CLOSE int fd = open_page(path);
	if (fd < 0)
		return err_errno(err, errno, "cannot open '%s'", path);
	/* posix_fallocate: a full file system must be an error here, not a SIGBUS later. */
	int rc = posix_fallocate(fd, 0, (off_t)sizeof(struct status_page));
	if (rc != 0)
		return err_errno(err, rc, "cannot make '%s'", path);
	void *m = mmap(NULL, sizeof(struct status_page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (m == MAP_FAILED)
		return err_errno(err, errno, "cannot map '%s'", path);
	w->page = m;
	w->depth = 0;
	w->fd = TAKE_FD(fd);
	if (!keep || !head_valid(w->page)) {
		memset(w->page, 0, sizeof(*w->page));
		w->page->magic = STATUS_MAGIC;
		w->page->version = STATUS_VERSION;
		w->page->size = sizeof(*w->page);
	}
	/* The last writer may have died between begin and end. */
	if (w->page->seq & 1)
		__atomic_store_n(&w->page->seq, w->page->seq + 1, __ATOMIC_RELEASE);
	return 0;
}

void status_writer_close(struct status_writer *w)
{
	if (!w->page)
		return;
	munmap(w->page, sizeof(*w->page));
	w->page = NULL;
	close(w->fd);
}

void status_writer_claim(struct status_writer *w)
{
	struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	/* Refused while a supervisor that ends has it still: readers then ask for run/NAME/lock itself. */
	if (fcntl(w->fd, F_OFD_SETLK, &l) < 0)
		return;
}

struct status_page *status_begin(struct status_writer *w)
{
	if (w->depth++ == 0) {
		/* Odd already: a child that wrote here was killed half-way. */
		__atomic_store_n(&w->page->seq, (w->page->seq + 1) | 1, __ATOMIC_RELAXED);
		__atomic_thread_fence(__ATOMIC_RELEASE);
	}
	return w->page;
}

void status_end(struct status_writer *w)
{
	if (--w->depth == 0)
		__atomic_store_n(&w->page->seq, w->page->seq + 1, __ATOMIC_RELEASE);
}

/* --- readers --- */

/* Whoever may write the file may write rubbish into it: a reader's string ends all the same, and is printable. */
static void clean(char *text, size_t size)
{
	text[size - 1] = '\0';
	str_make_safe(text);
}
#define CLEAN(array) clean(array, sizeof(array))

static void clean_brief(struct status_page *p)
{
	CLEAN(p->name);
	CLEAN(p->title);
	CLEAN(p->detail);
	CLEAN(p->badge_name);
	CLEAN(p->badge_line);
	p->disks = p->disks < STATUS_DISKS_MAX ? p->disks : STATUS_DISKS_MAX;
	p->nets = p->nets < STATUS_NETS_MAX ? p->nets : STATUS_NETS_MAX;
	p->consoles = p->consoles < STATUS_CONSOLES_MAX ? p->consoles : STATUS_CONSOLES_MAX;
}

static void clean_whole(struct status_page *p)
{
	clean_brief(p);
	CLEAN(p->address);
	CLEAN(p->job);
	CLEAN(p->job_words);
	CLEAN(p->job_who);
	CLEAN(p->guest_name);
	CLEAN(p->guest_os);
	CLEAN(p->guest_users);
	CLEAN(p->guest_filesystems);
	for (unsigned i = 0; i < p->disks; i++) {
		CLEAN(p->disk[i].target);
		CLEAN(p->disk[i].path);
	}
	for (unsigned i = 0; i < STATUS_NETS_MAX; i++) {
		CLEAN(p->net[i].target);
		CLEAN(p->net[i].mac);
	}
	for (unsigned i = 0; i < STATUS_CONSOLES_MAX; i++) {
		CLEAN(p->console[i].holder);
		CLEAN(p->console[i].line);
		CLEAN(p->console[i].log_trouble);
	}
}

const struct status_page *status_map(const char *path, struct err *err)
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0) {
		err_errno(err, errno, "cannot open '%s'", path);
		return NULL;
	}
	if (st.st_size != (off_t)sizeof(struct status_page)) {
		err_set(err, ERR_INVALID, "'%s' is not a status page of this version", path);
		return NULL;
	}
	void *m = mmap(NULL, sizeof(struct status_page), PROT_READ, MAP_SHARED, fd, 0);
	if (m == MAP_FAILED) {
		err_errno(err, errno, "cannot map '%s'", path);
		return NULL;
	}
	if (!head_valid(m)) {
		munmap(m, sizeof(struct status_page));
		err_set(err, ERR_INVALID, "'%s' is not a status page of this version", path);
		return NULL;
	}
	return m;
}

void status_unmap(const struct status_page *p)
{
	if (p)
		munmap((void *)(uintptr_t)p, sizeof(*p));
}

int status_read_head(const struct status_page *p, struct status_page *out)
{
	int torn = -1;
	for (int i = 0; i < READ_TRIES && torn; i++) {
		uint32_t before = __atomic_load_n(&p->seq, __ATOMIC_ACQUIRE);
		memcpy(out, p, STATUS_HEAD_SIZE);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		torn =
		    (before & 1) || __atomic_load_n(&p->seq, __ATOMIC_RELAXED) != before ? -1 : 0;
	}
	clean_whole(out);
	return torn;
}

static bool pread_whole(int fd, struct status_page *out, size_t from, size_t to)
{
	return from >= to ||
	       pread(fd, (char *)out + from, to - from, (off_t)from) == (ssize_t)(to - from);
}

static bool pread_once(int fd, bool brief, struct status_page *out)
{
	if (!pread_whole(fd, out, 0, brief ? STATUS_BRIEF_SIZE : HEAD_FIRST) || !head_valid(out))
		return false;
	if (brief)
		return true;
	unsigned n = out->disks < STATUS_DISKS_MAX ? out->disks : STATUS_DISKS_MAX;
	size_t disks_end = offsetof(struct status_page, disk) + n * sizeof(out->disk[0]);
	return pread_whole(fd, out, HEAD_FIRST, disks_end) &&
	       pread_whole(fd, out, offsetof(struct status_page, net), STATUS_HEAD_SIZE);
}

int status_fd_read(int fd, const char *path, bool brief, struct status_page *out, struct err *err)
{
	for (int i = 0; i < READ_TRIES; i++) {
		uint32_t after = 0;
		if (!pread_once(fd, brief, out))
			return err_set(
			    err, ERR_INVALID, "'%s' is not a status page of this version", path);
		if (out->seq & 1)
			continue;
		if (pread(fd, &after, sizeof(after), offsetof(struct status_page, seq)) ==
		        (ssize_t)sizeof(after) &&
		    after == out->seq)
			break;
	}
	(brief ? clean_brief : clean_whole)(out);
	return 0;
}

int status_pread_head(int dirfd, const char *path, struct status_page *out, struct err *err)
{
	return status_pread_latest(dirfd, path, out, NULL, err);
}

int status_pread_latest(int dirfd, const char *path, struct status_page *out,
    struct status_sample *latest, struct err *err)
{
	CLEANUP_CLOSE int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, errno, "cannot open '%s'", path);
	if (status_fd_read(fd, path, false, out, err) < 0)
		return -1;
	if (latest) {
		uint64_t k = (out->seconds_count - 1) % STATUS_SECONDS;
		off_t at = (off_t)(offsetof(struct status_page, seconds) + k * sizeof(*latest));
		if (!out->seconds_count ||
		    pread(fd, latest, sizeof(*latest), at) != (ssize_t)sizeof(*latest))
			memset(latest, 0, sizeof(*latest));
	}
	return 0;
}

int status_pread_brief(int dirfd, const char *path, struct status_page *out, struct err *err)
{
	CLEANUP_CLOSE int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, errno, "cannot open '%s'", path);
	return status_fd_read(fd, path, true, out, err);
}

static unsigned copy_ring(const struct status_sample *ring, unsigned len, uint64_t count,
    struct status_sample *out, unsigned n)
{
	uint64_t have = count < len ? count : len;
	n = n < have ? n : (unsigned)have;
	for (unsigned i = 0; i < n; i++)
		out[i] = ring[(count - n + i) % len];
	return n;
}

unsigned status_seconds(const struct status_page *p, struct status_sample *out, unsigned n)
{
	return copy_ring(p->seconds, STATUS_SECONDS, p->seconds_count, out, n);
}

unsigned status_minutes(const struct status_page *p, struct status_sample *out, unsigned n)
{
	return copy_ring(p->minutes, STATUS_MINUTES, p->minutes_count, out, n);
}

void status_watch_touch(const char *path)
{
	CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0660);
	uint64_t now = loop_now_ns();
	if (fd >= 0 && pwrite(fd, &now, sizeof(now), 0) < 0)
		return;
}
