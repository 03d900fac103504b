#include "serial/conlog_gzip.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "core/file.h"
#include "core/mem.h"

#define SLICE 32768u        /* bytes between two looks at `cancel` */
#define STACK (128u * 1024) /* deflate itself needs under 1 KiB; sanitizers want more */
#define RAW_WINDOW (-15)    /* zlib.h, deflateInit2: no header, ours has sizes in it */
#define NICE 19

struct conlog_gzip {
	pthread_t thread;
	int in, out, wake; /* wake: eventfd, written when the thread is through */
	bool cancel;       /* __atomic */
	bool ok;           /* the thread's until wake */
	z_stream stream;
	uint64_t written;
	unsigned char from[SLICE], to[SLICE];
};

static int deflate_slice(struct conlog_gzip *z, int flush)
{
	do {
		size_t n;

		z->stream.next_out = z->to;
		z->stream.avail_out = SLICE;
		if (deflate(&z->stream, flush) == Z_STREAM_ERROR)
			return -1;
		n = SLICE - z->stream.avail_out;
		if (fd_write_all(z->out, z->to, n) < 0)
			return -1;
		z->written += n;
	} while (z->stream.avail_out == 0);
	return 0;
}

/* RFC 1952, 2.3.1: CRC-32 and length of the member's content. */
static int member_close(struct conlog_gzip *z, uint64_t begin, uint32_t crc, uint32_t n)
{
	uint32_t end[2] = {htole32(crc), htole32(n)};
	uint32_t sizes[2];

	if (deflate_slice(z, Z_FINISH) < 0 || fd_write_all(z->out, end, sizeof(end)) < 0)
		return -1;
	z->written += sizeof(end);
	sizes[0] = htole32((uint32_t)(z->written - begin));
	sizes[1] = htole32(n);
	return pwrite(z->out, sizes, sizeof(sizes), (off_t)(begin + CONLOG_MEMBER_SIZES)) ==
	               sizeof(sizes)
	           ? 0
	           : -1;
}

/* One member of the file. Returns whether more is to come; -1 it did not work. */
static int member_write(struct conlog_gzip *z)
{
	static const unsigned char head[CONLOG_MEMBER_HEAD] = {CONLOG_MEMBER_MAGIC};
	uint64_t begin = z->written;
	uint32_t crc = 0, total = 0;
	ssize_t n = 1;

	if (fd_write_all(z->out, head, sizeof(head)) < 0 || deflateReset(&z->stream) != Z_OK)
		return -1;
	z->written += sizeof(head);
	while (total < CONLOG_MEMBER_BYTES && n > 0) {
		if (__atomic_load_n(&z->cancel, __ATOMIC_RELAXED))
			return -1;
		n = read(z->in, z->from, SLICE);
		if (n < 0)
			return -1;
		z->stream.next_in = z->from;
		z->stream.avail_in = (unsigned)n;
		if (deflate_slice(z, Z_NO_FLUSH) < 0)
			return -1;
		crc = (uint32_t)crc32(crc, z->from, (unsigned)n);
		total += (uint32_t)n;
	}
	return member_close(z, begin, crc, total) < 0 ? -1 : n > 0;
}

static int compress_all(struct conlog_gzip *z)
{
	struct stat st;
	int more;

	while ((more = member_write(z)) > 0)
		;
	if (more < 0)
		return -1;
	/* The log's age is that of its last bytes. */
	if (fstat(z->in, &st) == 0)
		(void)!futimens(z->out, (struct timespec[2]){st.st_atim, st.st_mtim});
	/* The plain file goes once this one is on the disk, not before. */
	return fdatasync(z->out);
}

static void *gzip_main(void *arg)
{
	struct conlog_gzip *z = arg;
	uint64_t one = 1;

	setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
	z->ok = compress_all(z) == 0;
	if (write(z->wake, &one, sizeof(one)) < 0)
		abort(); /* an eventfd at 0 takes a 1 */
	return NULL;
}

int conlog_gzip_fd(const struct conlog_gzip *z)
{
	return z->wake;
}

bool conlog_gzip_ok(const struct conlog_gzip *z)
{
	uint64_t n;

	return read(z->wake, &n, sizeof(n)) == sizeof(n) && z->ok;
}

/* Signals are the loop's: the thread takes none. */
static int thread_start(struct conlog_gzip *z)
{
	pthread_attr_t attr;
	sigset_t all, old;
	int e;

	sigfillset(&all);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	e = pthread_create(&z->thread, &attr, gzip_main, z);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return e ? -1 : 0;
}

static void gzip_close(struct conlog_gzip *z)
{
	deflateEnd(&z->stream);
	cleanup_close(&z->in);
	cleanup_close(&z->out);
	cleanup_close(&z->wake);
	free(z);
}

struct conlog_gzip *conlog_gzip_new(const char *from, const char *to)
{
	struct conlog_gzip *z = xcalloc(1, sizeof(*z));

	z->in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	z->out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	z->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (z->in < 0 || z->out < 0 || z->wake < 0 ||
	    deflateInit2(&z->stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, RAW_WINDOW, 8,
	        Z_DEFAULT_STRATEGY) != Z_OK ||
	    thread_start(z) < 0) {
		gzip_close(z);
		return NULL;
	}
	return z;
}

void conlog_gzip_free(struct conlog_gzip *z)
{
	if (!z)
		return;
	__atomic_store_n(&z->cancel, true, __ATOMIC_RELAXED);
	pthread_join(z->thread, NULL);
	gzip_close(z);
}
