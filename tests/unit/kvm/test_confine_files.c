#include "unit/cm.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "core/buf.h"
#include "disk/img_create.h"
#include "kvm/confine_files.h"

/* A command line of these words, %s in them the folder; what becomes of it, words joined by blanks. */
static char *dir;
static struct confine_fds fds;
static struct err err;

static char *run(const char *const *words)
{
	const struct confine c = {.other_user = true, .uid = 65534, .gid = 65534};
	struct argv_out a = {0};
	struct buf out = BUF_INIT;
	for (; *words != NULL; words++) {
		a.argv = xreallocarray(a.argv, a.argc + 2, sizeof(*a.argv));
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		a.argv[a.argc++] = xasprintf(*words, dir);
#pragma GCC diagnostic pop
		a.argv[a.argc] = NULL;
	}
	int rc = confine_files(&c, &a, 10, &fds, &err);
	for (size_t i = 0; i < a.argc; i++)
		buf_addf(&out, "%s%s", i > 0 ? " " : "", a.argv[i]);
	argv_fini(&a);
	if (rc < 0)
		buf_fini(&out);
	return rc < 0 ? NULL : buf_take(&out);
}

static void becomes(const char *const *words, const char *want)
{
	CLEANUP_FREE char *got = run(words);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	CLEANUP_FREE char *expected = xasprintf(want, dir, dir, dir, dir);
#pragma GCC diagnostic pop
	if (got == NULL)
		fail_msg("%s", err.msg);
	assert_string_equal(got, expected);
}

static int access_of(size_t i)
{
	return fcntl(fds.fd[i], F_GETFL) & O_ACCMODE;
}

static void put(const char *name, const void *data, size_t n)
{
	CLEANUP_FREE char *path = xasprintf("%s/%s", dir, name);
	assert_int_equal(file_write_atomic(path, data, n, 0600, NULL), 0);
}

/* An image with a backing file and, when given, its format: nobody makes one without, so its extension is hidden then. */
static void image(const char *name, const char *backing, const char *format)
{
	CLEANUP_FREE char *path = xasprintf("%s/%s", dir, name);
	struct img_create c = {.format = "qcow2",
	    .with_size = true,
	    .backing_as_told = true,
	    .qcow2 = {
	        .size = 1 << 20, .backing = backing, .backing_format = format ? format : "raw"}};
	if (img_create_now(path, &c, &err) < 0)
		fail_msg("%s", err.msg);
	if (format)
		return;
	char head[512];
	CLEANUP_CLOSE int fd = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(pread(fd, head, sizeof(head), 0), sizeof(head));
	char *at = memmem(head, sizeof(head), "\xe2\x79\x2a\xca", 4);
	assert_non_null(at);
	assert_int_equal(pwrite(fd, "hide", 4, at - head), 4);
}

static void plain_and_read_only(void **state)
{
	(void)state;
	put("a,b.img", "x", 1);
	const char *const written[] = {"-blockdev",
	    "driver=file,node-name=f,filename=%s/a,,b.img,auto-read-only=on", "-blockdev",
	    "driver=raw,node-name=r,file=f,read-only=off", NULL};
	becomes(written,
	    "-blockdev driver=file,node-name=f,filename=/dev/fdset/1,auto-read-only=off"
	    " -blockdev driver=raw,node-name=r,file=f,read-only=off"
	    " -add-fd fd=10,set=1,opaque=%s/a,,b.img");
	assert_int_equal(fds.n, 1);
	assert_int_equal(access_of(0), O_RDWR);
	confine_fds_close(&fds);
	const char *const read[] = {"-blockdev",
	    "driver=file,node-name=f,filename=%s/a,,b.img,auto-read-only=on", "-blockdev",
	    "driver=raw,node-name=r,file=f,read-only=on", NULL};
	becomes(read, "-blockdev driver=file,node-name=f,filename=/dev/fdset/1,auto-read-only=on"
	              " -blockdev driver=raw,node-name=r,file=f,read-only=on"
	              " -add-fd fd=10,set=1,opaque=%s/a,,b.img");
	assert_int_equal(fds.n, 1);
	assert_int_equal(access_of(0), O_RDONLY);
	confine_fds_close(&fds);
	const char *const json[] = {"-blockdev",
	    "{\"driver\":\"raw\",\"node-name\":\"r\",\"file\":{\"driver\":\"file\",\"filename\":\"%s/a,b.img\"},\"read-only\":true}",
	    NULL};
	becomes(json,
	    "-blockdev {\"driver\":\"raw\",\"node-name\":\"r\",\"file\":{\"driver\":\"file\","
	    "\"filename\":\"/dev/fdset/1\"},\"read-only\":true} -add-fd fd=10,set=1,opaque=%s/a,,b.img");
	assert_int_equal(access_of(0), O_RDONLY);
	confine_fds_close(&fds);
}

static void chains(void **state)
{
	(void)state;
	put("raw.img", "x", 1);
	image("base", "raw.img", "raw");
	image("top", "base", "qcow2");
	const char *const words[] = {"-blockdev", "driver=file,node-name=f,filename=%s/top",
	    "-blockdev", "driver=qcow2,node-name=q,file=f,cache.direct=on", NULL};
	CLEANUP_FREE char *got = run(words);
	if (got == NULL)
		fail_msg("%s", err.msg);
	static const char *const order[] = {"node-name=f,filename=/dev/fdset/1",
	    "driver=file,node-name=chain2-file,filename=/dev/fdset/2,auto-read-only=on,cache.direct=on",
	    "driver=file,node-name=chain4-file,filename=/dev/fdset/3,auto-read-only=on,cache.direct=on",
	    "driver=raw,node-name=chain3-format,read-only=on,file=chain4-file,cache.direct=on",
	    "driver=qcow2,node-name=chain1-format,read-only=on,file=chain2-file,backing=chain3-format,cache.direct=on",
	    "driver=qcow2,node-name=q,file=f,cache.direct=on,backing=chain1-format"};
	const char *at = got;
	for (size_t i = 0; i < ARRAY_LEN(order); i++)
		if ((at = strstr(at, order[i])) == NULL)
			fail_msg("'%s' is not in, or not in its place: %s", order[i], got);
	assert_int_equal(fds.n, 3);
	assert_int_equal(access_of(0), O_RDWR);
	for (size_t i = 1; i < 3; i++)
		assert_int_equal(access_of(i), O_RDONLY);
	confine_fds_close(&fds);
}

static void refused(void **state)
{
	(void)state;
	const char *const words[] = {"-blockdev", "driver=file,node-name=f,filename=%s/top",
	    "-blockdev", "driver=qcow2,node-name=q,file=f", NULL};
	image("top", "base", NULL);
	assert_null(run(words));
	assert_non_null(strstr(err.msg, "does not say of which format"));
	image("top", "top", "qcow2");
	assert_null(run(words));
	assert_non_null(strstr(err.msg, "is longer than"));
	image("top", "gone", "qcow2");
	assert_null(run(words));
	assert_non_null(strstr(err.msg, "gone'"));
	assert_int_equal(fds.n, 0);
	put("top", "no image", 8);
	assert_null(run(words));
	assert_non_null(strstr(err.msg, "top'"));
	image("top", "base", "qcow2");
	image("base", "/etc/passwd", "raw");
	/* Nothing is read from the head of a raw image: a guest may have written it. */
	const char *const raw[] = {"-blockdev", "driver=file,node-name=f,filename=%s/top",
	    "-blockdev", "driver=raw,node-name=q,file=f", NULL};
	CLEANUP_FREE char *alone = run(raw);
	assert_null(strstr(alone, "chain"));
	confine_fds_close(&fds);
	image("top", "base", "raw");
	CLEANUP_FREE char *shallow = run(words);
	assert_non_null(strstr(shallow, "opaque="));
	assert_null(strstr(shallow, "passwd"));
	confine_fds_close(&fds);
	/* What QEMU opens by a protocol, and what the document says itself, stay as they are. */
	const char *const own[] = {"-blockdev", "driver=file,node-name=f,filename=%s/top",
	    "-blockdev", "driver=qcow2,node-name=q,file=f,backing=other", NULL};
	CLEANUP_FREE char *got = run(own);
	assert_non_null(strstr(got, "file=f,backing=other"));
	assert_null(strstr(got, "chain"));
	confine_fds_close(&fds);
}

static void other_options(void **state)
{
	(void)state;
	put("kernel", "kernel's bytes", 14);
	const char *const words[] = {"-kernel", "%s/kernel", "-chardev",
	    "socket,id=s,fd=3,server=on,wait=off,logfile=%s/log,logappend=on", "-device",
	    "virtio-rng-pci,rng=r", NULL};
	CLEANUP_FREE char *log = xasprintf("%s/log", dir);
	becomes(words, "-kernel /proc/self/fd/10 -chardev "
	               "socket,id=s,fd=3,server=on,wait=off,logfile=/dev/fdset/1,logappend=on"
	               " -device virtio-rng-pci,rng=r -add-fd fd=11,set=1,opaque=%s/log");
	char text[32] = "";
	assert_int_equal(pread(fds.fd[0], text, sizeof(text), 0), 14);
	assert_string_equal(text, "kernel's bytes");
	assert_int_equal(write(fds.fd[0], "y", 1), -1);
	assert_int_equal(access_of(1), O_WRONLY);
	assert_true((fcntl(fds.fd[1], F_GETFL) & O_APPEND) != 0);
	assert_int_equal(access(log, F_OK), 0);
	confine_fds_close(&fds);
}

/* Whoever may write to a log's folder decides nothing about what root writes to. */
static void log_refused(const char *path, const char *says)
{
	const char *const words[] = {"-chardev", path, NULL};
	assert_null(run(words));
	if (strstr(err.msg, says) == NULL)
		fail_msg("not '%s': %s", says, err.msg);
	assert_int_equal(fds.n, 0);
}

static void makes(int rc)
{
	assert_int_equal(rc, 0);
}

static void logs_lead_nowhere(void **state)
{
	(void)state;
	char text[16] = "";
	CLEANUP_FREE char *precious = xasprintf("%s/precious", dir),
	                  *link_to = xasprintf("%s/l", dir), *pit = xasprintf("%s/pit", dir),
	                  *eves = xasprintf("%s/eves", dir), *hard = xasprintf("%s/h", dir),
	                  *fifo = xasprintf("%s/pit/fifo", dir),
	                  *own = xasprintf("%s/pit/own", dir);
	put("precious", "keep me", 7);
	makes(symlink(precious, link_to));
	log_refused("file,id=s,path=%s/l", "is a symbolic link");
	log_refused("socket,id=s,fd=3,logfile=%s/l", "is a symbolic link");
	makes(link(precious, hard));
	log_refused("file,id=s,path=%s/h", "hard links");
	makes(unlink(hard));
	makes(mkdir(pit, 0700));
	makes(chmod(pit, 0777));
	log_refused("file,id=s,path=%s/pit/log", "may be written by everybody");
	makes(chmod(pit, 01777));
	makes(mkfifo(fifo, 0600));
	CLEANUP_CLOSE int reader = open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	log_refused("file,id=s,path=%s/pit/fifo", "no regular file");
	put("pit/own", "old", 3);
	const char *const ours[] = {"-chardev", "file,id=s,path=%s/pit/own,append=on", NULL};
	becomes(ours,
	    "-chardev file,id=s,path=/dev/fdset/1,append=on -add-fd fd=10,set=1,opaque=%s/pit/own");
	confine_fds_close(&fds);
	makes(chmod(pit, 0700));
	const char *const pipe[] = {"-chardev", "file,id=s,path=%s/pit/fifo", NULL};
	becomes(
	    pipe, "-chardev file,id=s,path=/dev/fdset/1 -add-fd fd=10,set=1,opaque=%s/pit/fifo");
	confine_fds_close(&fds);
	log_refused("file,id=s,path=%s/pit", "Is a directory");
	log_refused("file,id=s,path=%s/gone/log", "No such file");
	if (geteuid() == 0) {
		makes(chown(own, 12345, 12345));
		makes(chmod(pit, 01777));
		log_refused("file,id=s,path=%s/pit/own", "belongs to another user");
		makes(chown(pit, 12345, 12345));
		makes(chmod(pit, 0755));
		log_refused(
		    "file,id=s,path=%s/pit/log", "'pit' on the way to it belongs to another user");
		makes(symlink("/etc", eves));
		makes(lchown(eves, 12345, 12345));
		log_refused("file,id=s,path=%s/eves/log", "another user's symbolic link");
	}
	CLEANUP_CLOSE int fd = open(precious, O_RDONLY | O_CLOEXEC);
	assert_int_equal(read(fd, text, sizeof(text)), 7);
}

/* Where QEMU is root itself: its logs are opened for it, and nothing else. */
static void logs_of_a_root(void **state)
{
	(void)state;
	const struct confine c = {0};
	struct argv_out a = {0};
	CLEANUP_FREE char *log = xasprintf("%s/root.log", dir);
	if (geteuid() != 0)
		skip();
	put("root.log", "old", 3);
	a.argv = xcalloc(5, sizeof(*a.argv));
	a.argv[0] = xstrdup("-kernel");
	a.argv[1] = xstrdup(log);
	a.argv[2] = xstrdup("-chardev");
	a.argv[3] = xasprintf("file,id=s,path=%s", log);
	a.argc = 4;
	assert_int_equal(confine_files(&c, &a, 10, &fds, &err), 0);
	assert_string_equal(a.argv[1], log);
	assert_string_equal(a.argv[3], "file,id=s,path=/dev/fdset/1");
	assert_int_equal(fds.n, 1);
	assert_int_equal(lseek(fds.fd[0], 0, SEEK_END), 0);
	confine_fds_close(&fds);
	argv_fini(&a);
}

static int set_up(void **state)
{
	(void)state;
	dir = cm_mkdtemp();
	return chmod(dir, 0700);
}

static int tear_down(void **state)
{
	(void)state;
	cm_rmdir(dir);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(plain_and_read_only),
	    cmocka_unit_test(chains), cmocka_unit_test(refused), cmocka_unit_test(other_options),
	    cmocka_unit_test(logs_lead_nowhere), cmocka_unit_test(logs_of_a_root)};
	return cmocka_run_group_tests_name("confine_files", tests, set_up, tear_down);
}
