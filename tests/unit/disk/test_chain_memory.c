#include "unit/cm.h"

#include "disk/chain_memory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* What would survive a power cut: whether what gets its name was synced, and the folder after that. */
static bool file_synced, named_synced, folder_synced;

int fdatasync(int fd)
{
	file_synced = true;
	return (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
	struct stat st;
	folder_synced = named_synced && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
	return 0;
}

int rename(const char *from, const char *to)
{
	named_synced = file_synced;
	return (int)syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
}

static void make_chain(struct chain *c, const char *top, const char *below, const char *format)
{
	*c = (struct chain){.links = xcalloc(2, sizeof(*c->links)), .n = below ? 2 : 1};
	c->links[0] = (struct chain_link){
	    .kind = CHAIN_IMAGE, .path = xstrdup(top), .format = xstrdup("qcow2")};
	if (below)
		c->links[1] = (struct chain_link){.kind = CHAIN_BACKING,
		    .path = xstrdup(below),
		    .format = xstrdup0(format),
		    .depth = 1};
}

static void test_memory(void **state)
{
	(void)state;
	struct err err = {0};
	struct home h;
	struct chain a, b, back;
	char *who;
	char *dir = cm_mkdtemp();
	setenv("HVMUX_HOME", dir, 1);
	assert_int_equal(home_init(&h, NULL, &err), 0);
	/* A name may hold anything. */
	make_chain(&a, "/img/a\n\"x.qcow2", "json:{\"driver\":\"nbd\"}", NULL);
	make_chain(&b, "/img/b", NULL, NULL);
	assert_int_equal(chain_recall(&h, a.links[0].path, &back, &who, &err), 0);
	assert_null(who);
	assert_int_equal(chain_remember(&h, "v1", &a, &err), 0);
	assert_true(named_synced && folder_synced);
	assert_int_equal(chain_remember(&h, "v2", &b, &err), 0);
	assert_int_equal(chain_recall(&h, a.links[0].path, &back, &who, &err), 1);
	assert_string_equal(who, "v1");
	assert_true(chain_equal(&a, &back));
	assert_false(chain_equal(&b, &back));
	chain_fini(&back);
	free(who);
	chain_forget(&h, a.links[0].path);
	assert_int_equal(chain_recall(&h, a.links[0].path, &back, &who, &err), 0);
	assert_int_equal(chain_recall(&h, "/img/b", &back, &who, &err), 1);
	chain_fini(&back);
	free(who);
	chain_fini(&a);
	chain_fini(&b);
	home_fini(&h);
	cm_rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_memory)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
