/* Every change of the store, with the power cut at every point of it: the operations on files are recorded while a verb
 * runs, and each state that a disk may then hold is built from them: all of a prefix, or without what nothing had synced
 * yet (a folder's later entries, a file's data). In each, the store opens and shows the old state or the new one. */
#include "unit/cli/run_cli.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "core/autostart.h"
#include "core/definitions.h"
#include "core/pending.h"
#include "core/str.h"

enum kind { CREATE, MKDIR, SYMLINK, RENAME, UNLINK, WRITE, TRUNCATE, SYNC_FILE, SYNC_FOLDER };

struct op {
	enum kind kind;
	char *path, *other; /* below the home; other: a rename's new name, a link's target */
	char *data;
	size_t n;
};

#define OPS_MAX 4096u
#define FDS_MAX 256
static struct op ops[OPS_MAX];
static size_t n_ops;
static bool recording;
static char *fds[FDS_MAX]; /* paths of what is open below the home */

/* --- recording: these take the place of libc's for all that is linked into this program --- */

/* NULL: not below the home; in the run directory, which no power cut survives; what this test or a log writes. */
static const char *below(const char *path)
{
	size_t n = run_home ? strlen(run_home) : 0;
	if (!recording || !n || strncmp(path, run_home, n) != 0 || path[n] != '/')
		return NULL;
	const char *at = path + n;
	bool log = str_prefix(at, "/log/") && strchr(at + strlen("/log/"), '/');
	return log || str_prefix(at, "/run") || str_prefix(at, "/std") ? NULL : at;
}

static void record(enum kind kind, const char *path, const char *other, const void *data, size_t n)
{
	assert_true(n_ops < OPS_MAX);
	struct op *o = &ops[n_ops++];
	*o = (struct op){kind, xstrdup(path), xstrdup0(other), NULL, n};
	if (n) {
		o->data = xmalloc(n);
		memcpy(o->data, data, n);
	}
}

static void opened(int fd, const char *path)
{
	if (fd < 0 || fd >= FDS_MAX)
		return;
	free(fds[fd]);
	fds[fd] = xstrdup0(below(path));
}

int open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	if (flags & O_CREAT) {
		va_list ap;
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	bool fresh = (flags & O_CREAT) && syscall(SYS_access, path, F_OK) < 0;
	int fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
	opened(fd, path);
	if (fd >= 0 && below(path) && fresh)
		record(CREATE, below(path), NULL, NULL, 0);
	else if (fd >= 0 && below(path) && (flags & O_TRUNC))
		record(TRUNCATE, below(path), NULL, NULL, 0);
	return fd;
}

int close(int fd)
{
	if (fd >= 0 && fd < FDS_MAX) {
		free(fds[fd]);
		fds[fd] = NULL;
	}
	return (int)syscall(SYS_close, fd);
}

ssize_t write(int fd, const void *data, size_t n)
{
	ssize_t done = (ssize_t)syscall(SYS_write, fd, data, n);
	if (done > 0 && fd >= 0 && fd < FDS_MAX && fds[fd] && recording)
		record(WRITE, fds[fd], NULL, data, (size_t)done);
	return done;
}

int fsync(int fd)
{
	struct stat st;
	if (fd >= 0 && fd < FDS_MAX && fds[fd] && recording && fstat(fd, &st) == 0)
		record(S_ISDIR(st.st_mode) ? SYNC_FOLDER : SYNC_FILE, fds[fd], NULL, NULL, 0);
	return 0;
}

int rename(const char *from, const char *to)
{
	int rc = (int)syscall(SYS_rename, from, to);
	if (rc == 0 && below(from))
		record(RENAME, below(from), below(to), NULL, 0);
	return rc;
}

int unlink(const char *path)
{
	int rc = (int)syscall(SYS_unlink, path);
	if (rc == 0 && below(path))
		record(UNLINK, below(path), NULL, NULL, 0);
	return rc;
}

int symlink(const char *target, const char *path)
{
	int rc = (int)syscall(SYS_symlink, target, path);
	if (rc == 0 && below(path))
		record(SYMLINK, below(path), target, NULL, 0);
	return rc;
}

int mkdir(const char *path, mode_t mode)
{
	int rc = (int)syscall(SYS_mkdir, path, mode);
	if (rc == 0 && below(path))
		record(MKDIR, below(path), NULL, NULL, 0);
	return rc;
}

static void forget_ops(void)
{
	for (size_t i = 0; i < n_ops; i++) {
		free(ops[i].path);
		free(ops[i].other);
		free(ops[i].data);
	}
	n_ops = 0;
}

/* --- trees --- */

static void copy_tree(const char *from, const char *to)
{
	struct stat st;
	assert_int_equal(lstat(from, &st), 0);
	if (S_ISLNK(st.st_mode)) {
		char target[512];
		ssize_t n = readlink(from, target, sizeof(target) - 1);
		assert_true(n > 0);
		target[n] = '\0';
		assert_int_equal(symlink(target, to), 0);
	} else if (S_ISREG(st.st_mode)) {
		CLEANUP_BUF struct buf b = BUF_INIT;
		assert_int_equal(file_read(from, 16u << 20, &b, NULL), 0);
		CLEANUP_CLOSE int fd = open(to, O_WRONLY | O_CREAT | O_EXCL, 0600);
		assert_int_equal(fd_write_all(fd, b.data ? b.data : "", b.len), 0);
	} else if (S_ISDIR(st.st_mode)) {
		assert_int_equal(mkdir(to, 0700), 0);
		DIR *d = opendir(from);
		for (struct dirent *e; (e = readdir(d));) {
			if (str_eq(e->d_name, ".") || str_eq(e->d_name, "..") ||
			    str_eq(e->d_name, "run"))
				continue;
			CLEANUP_FREE char *a = xasprintf("%s/%s", from, e->d_name);
			CLEANUP_FREE char *b = xasprintf("%s/%s", to, e->d_name);
			copy_tree(a, b);
		}
		closedir(d);
	}
}

static bool with_logs; /* whose logs there are belongs to the picture */

/* What a user sees of a store: names, marks, documents, and whose logs there are. */
static char *picture(const char *dir)
{
	struct home h;
	struct buf out = BUF_INIT;
	struct err err = {0};
	char **names;
	size_t n;
	setenv("HVMUX_HOME", dir, 1);
	assert_int_equal(home_init(&h, NULL, &err), 0);
	pending_settle(&h);
	assert_int_equal(store_names(&h, &names, &n, &err), 0);
	for (size_t i = 0; i < n; i++) {
		CLEANUP_BUF struct buf xml = BUF_INIT;
		struct domain d;
		assert_int_equal(store_read(&h, names[i], &xml, &err), 0);
		if (xml.len == 0 || domain_parse(xml.data, xml.len, names[i], DOMAIN_PARSE_LENIENT,
		                        &d, NULL, &err) < 0)
			fail_msg("%s: half a definition: %s", names[i], err.msg);
		CLEANUP_FREE char *logs = home_log_dir(&h, names[i]);
		buf_addf(&out, "=== %s inside=%s autostart=%d logs=%d\n%s", names[i], d.name,
		    autostart_get(&h, names[i]), with_logs && access(logs, F_OK) == 0, xml.data);
		domain_fini(&d);
	}
	store_names_free(names);
	/* It can be written to, and a torn cache is none. */
	struct definitions all;
	int lock = store_lock(&h, &err);
	assert_true(lock >= 0);
	assert_int_equal(definitions_read(&h, &all, &err), 0);
	assert_int_equal(all.n, n);
	definitions_fini(&all);
	close(lock);
	/* Nobody inherits the mark of a domain that is gone. */
	CLEANUP_FREE char *marks = xasprintf("%s/autostart", h.conf);
	struct dirent **list = NULL;
	int n_marks = scandir(marks, &list, NULL, alphasort);
	for (int i = 0; i < n_marks; i++) {
		struct dirent *e = list[i];
		char *dot = strrchr(e->d_name, '.');
		if (e->d_name[0] != '.' && dot) {
			*dot = '\0';
			buf_addf(&out, "mark %s%s\n", e->d_name,
			    autostart_get(&h, e->d_name) ? "" : " of nobody");
		}
		free(e);
	}
	free(list);
	home_fini(&h);
	return buf_take(&out);
}

/* --- replaying --- */

static char *folder_of(const char *path)
{
	return xstrndup(path, (size_t)(strrchr(path, '/') - path));
}

static bool changes_folder(const struct op *o)
{
	return o->kind <= UNLINK;
}

#define FOLDERS_MAX 16
struct cut {
	size_t ops;                  /* so many were done */
	char *folders[FOLDERS_MAX];  /* with entries that nothing has synced */
	unsigned loose[FOLDERS_MAX]; /* how many */
	unsigned keep[FOLDERS_MAX];  /* how many of them reached the disk, the first ones */
	unsigned n_folders;
	unsigned data; /* of what nothing has synced: 0 all, 1 half, 2 nothing */
};

static bool synced(const struct cut *c, size_t i)
{
	CLEANUP_FREE char *folder = changes_folder(&ops[i]) ? folder_of(ops[i].path) : NULL;
	for (size_t k = i + 1; k < c->ops; k++)
		if (folder ? ops[k].kind == SYNC_FOLDER && str_eq(ops[k].path, folder)
		           : ops[k].kind == SYNC_FILE && str_eq(ops[k].path, ops[i].path))
			return true;
	return false;
}

static unsigned folder_index(struct cut *c, const char *path)
{
	CLEANUP_FREE char *folder = folder_of(path);
	for (unsigned i = 0; i < c->n_folders; i++)
		if (str_eq(c->folders[i], folder))
			return i;
	assert_true(c->n_folders < FOLDERS_MAX);
	c->folders[c->n_folders] = TAKE_PTR(folder);
	c->loose[c->n_folders] = 0;
	return c->n_folders++;
}

static void find_loose(struct cut *c)
{
	for (size_t i = 0; i < c->ops; i++)
		if (changes_folder(&ops[i]) && !synced(c, i))
			c->loose[folder_index(c, ops[i].path)]++;
	memcpy(c->keep, c->loose, sizeof(c->keep));
}

/* What could not be done is what the disk has not got. */
static void replay_op(const char *dir, const struct op *o, size_t n)
{
	CLEANUP_FREE char *path = xasprintf("%s%s", dir, o->path);
	CLEANUP_FREE char *other = o->other ? xasprintf("%s%s", dir, o->other) : NULL;
	int fd;
	switch (o->kind) {
	case CREATE:
		if ((fd = open(path, O_WRONLY | O_CREAT, 0600)) >= 0)
			close(fd);
		break;
	case MKDIR:
		(void)!mkdir(path, 0700);
		break;
	case SYMLINK:
		(void)!symlink(o->other, path);
		break;
	case RENAME:
		(void)!rename(path, other);
		break;
	case UNLINK:
		(void)!unlink(path);
		break;
	case WRITE:
	case TRUNCATE:
		fd = open(path, O_WRONLY | (o->kind == WRITE ? O_APPEND : O_TRUNC));
		if (fd >= 0 && o->kind == WRITE)
			(void)!fd_write_all(fd, o->data, n);
		if (fd >= 0)
			close(fd);
		break;
	default:
		break;
	}
}

static void build(const char *base, const char *dir, struct cut *c)
{
	unsigned used[FOLDERS_MAX] = {0};
	copy_tree(base, dir);
	for (size_t i = 0; i < c->ops; i++) {
		const struct op *o = &ops[i];
		size_t n = o->n;
		if (changes_folder(o) && !synced(c, i)) {
			unsigned f = folder_index(c, o->path);
			if (used[f]++ >= c->keep[f])
				continue;
		}
		if (o->kind == WRITE && !synced(c, i))
			n = c->data == 0 ? n : c->data == 1 ? n / 2 : 0;
		replay_op(dir, o, n);
	}
}

/* The next way in which the unsynced could have fared; false: that were all. */
static bool next_way(struct cut *c)
{
	if (++c->data < 3)
		return true;
	c->data = 0;
	for (unsigned i = 0; i < c->n_folders; i++) {
		if (c->keep[i]-- > 0)
			return true;
		c->keep[i] = c->loose[i];
	}
	return false;
}

static unsigned states;

static void check_cut(const char *base, struct cut *c, const char *const *allowed)
{
	CLEANUP_FREE char *dir = xasprintf("%s.cut", base);
	build(base, dir, c);
	CLEANUP_FREE char *seen = picture(dir);
	bool good = false;
	for (size_t i = 0; allowed[i]; i++)
		good |= str_eq(seen, allowed[i]);
	if (!good) {
		for (size_t i = 0; i < c->ops; i++)
			fprintf(stderr, "%s%zu: %d %s %s %zu\n", synced(c, i) ? " " : "~", i,
			    ops[i].kind, ops[i].path, ops[i].other ? ops[i].other : "", ops[i].n);
		fail_msg("after %zu of %zu operations (data %u), neither old nor new:\n%s", c->ops,
		    n_ops, c->data, seen);
	}
	states++;
	file_remove_tree(dir, NULL);
}

static void check_all(const char *base, const char *const *allowed)
{
	for (size_t k = 0; k <= n_ops; k++) {
		struct cut c = {.ops = k};
		find_loose(&c);
		do
			check_cut(base, &c, allowed);
		while (next_way(&c));
		for (unsigned i = 0; i < c.n_folders; i++)
			free(c.folders[i]);
	}
}

/* --- the verbs --- */
#define XML(name, uuid, memory)                                                                 \
	"<domain type='qemu'>\n  <name>" name "</name>\n  <uuid>00112233-4455-6677-8899-"       \
	"aabbccddee" uuid "</uuid>\n  <memory>" memory "</memory>\n  <os><type>hvm</type></os>" \
	"\n  <features><acpi/></features>\n</domain>\n"

static char *put_file(const char *file, const char *xml)
{
	char *path = xasprintf("%s/%s", run_home, file);
	assert_int_equal(file_write_atomic(path, xml, strlen(xml), 0600, NULL), 0);
	return path;
}

static void run_quietly(const char *const *words)
{
	struct run r;
	run_argv(&r, words);
	if (r.status != 0)
		fail_msg("%s %s: %s", words[0], words[1], r.err);
	run_free(&r);
}

#define DO(...) run_quietly((const char *const[]){__VA_ARGS__, NULL})

/* a (marked, protected), b, c (marked), all with logs. */
static int setup(void **state)
{
	run_setup(state);
	CLEANUP_FREE char *a = put_file("a.xml", XML("a", "01", "65536"));
	CLEANUP_FREE char *b = put_file("b.xml", XML("b", "02", "65536"));
	CLEANUP_FREE char *c = put_file("c.xml", XML("c", "03", "65536"));
	DO("define", a, b, c);
	DO("autostart", "a", "c");
	return 0;
}

/* between: a picture of what may be seen beside old and new, NULL nothing. */
static void cut_verb(const char *const *words, const char *between)
{
	char *base = xasprintf("%s.base", run_home);
	copy_tree(run_home, base);
	CLEANUP_FREE char *old = picture(base);
	file_remove_tree(base, NULL);
	copy_tree(run_home, base);
	setenv("HVMUX_HOME", run_home, 1);
	recording = true;
	run_quietly(words);
	recording = false;
	CLEANUP_FREE char *new = picture(run_home);
	assert_string_not_equal(old, new);
	assert_true(n_ops > 1);
	check_all(base, (const char *const[]){old, new, between, NULL});
	forget_ops();
	cm_rmdir(base);
	setenv("HVMUX_HOME", run_home, 1);
}

#define CUT(...) cut_verb((const char *const[]){__VA_ARGS__, NULL}, NULL)

static void test_define(void **state)
{
	(void)state;
	CLEANUP_FREE char *again = put_file("again.xml", XML("b", "02", "131072"));
	CLEANUP_FREE char *fresh = put_file("fresh.xml", XML("n", "09", "65536"));
	CUT("define", again);
	CUT("define", fresh);
}

/* Many together: each of them is old or new. */
static void test_define_many(void **state)
{
	(void)state;
	CLEANUP_FREE char *b = put_file("b2.xml", XML("b", "02", "131072"));
	CLEANUP_FREE char *c = put_file("c2.xml", XML("c", "03", "131072"));
	char *base = xasprintf("%s.base", run_home);
	copy_tree(run_home, base);
	recording = true;
	DO("define", b, c);
	recording = false;
	/* The mixed states, as they would be had only one been given. */
	char *one = xasprintf("%s.one", run_home);
	char *pictures[5] = {0};
	for (size_t i = 0; i < 4; i++) {
		copy_tree(base, one);
		setenv("HVMUX_HOME", one, 1);
		if (i & 1)
			DO("define", b);
		if (i & 2)
			DO("define", c);
		pictures[i] = picture(one);
		file_remove_tree(one, NULL);
	}
	check_all(base, (const char *const *)pictures);
	for (size_t i = 0; i < 4; i++)
		free(pictures[i]);
	forget_ops();
	cm_rmdir(base);
	free(one);
}

static void test_edit(void **state)
{
	(void)state;
	setenv("VISUAL", "sed -i s/65536/131072/", 1);
	CUT("edit", "a");
}

static void test_undefine(void **state)
{
	(void)state;
	CUT("undefine", "b");
	CUT("undefine", "c");
}

static void test_autostart(void **state)
{
	(void)state;
	CUT("autostart", "b");
	CUT("autostart", "a", "--disable");
}

static void test_rename(void **state)
{
	(void)state;
	with_logs = true;
	CUT("domrename", "a", "z");
	CUT("domrename", "b", "y");
	with_logs = false;
}

static void test_words(void **state)
{
	(void)state;
	CUT("desc", "a", "some words");
	CUT("desc", "a", "--title", "A title");
	CUT("tag", "a", "web", "eu");
	CUT("group", "a", "prod/web");
	CUT("protect", "a");
	CUT("metadata", "a", "http://e/1", "--key", "e", "--set", "<x/>");
	CUT("autostart", "a", "--order", "7");
}

static int teardown(void **state)
{
	recording = false;
	forget_ops();
	/* What a failure left beside the home. */
	static const char *const left[] = {"base.cut", "base", "one"};
	for (size_t i = 0; i < ARRAY_LEN(left); i++) {
		CLEANUP_FREE char *path = xasprintf("%s.%s", run_home, left[i]);
		file_remove_tree(path, NULL);
	}
	print_message("states of a disk: %u\n", states);
	return run_teardown(state);
}

int main(void)
{
	/* Thousands of small files, none of which has to last. */
	if (!getenv("TMPDIR") && access("/dev/shm", W_OK) == 0)
		setenv("TMPDIR", "/dev/shm", 1);
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {T(test_define), T(test_define_many), T(test_edit),
	    T(test_undefine), T(test_autostart), T(test_rename), T(test_words)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
