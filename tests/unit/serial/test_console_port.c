/* Names of consoles: by the port that the guest sees, by order, by an alias; of domains that run, ran, never ran. */
#include "unit/cm.h"

#include "core/err.h"
#include "core/home.h"
#include "core/store.h"
#include "serial/console_port.h"

#define SERIAL0 "<serial type='pty'><target port='0'/></serial>"
#define SERIAL2 "<serial type='pty'><target port='2'/><alias name='ua-kdb'/></serial>"
#define SOCKET1 "<serial type='unix'><source mode='bind' path='/tmp/s'/><target port='1'/></serial>"
#define HVC "<console type='pty'><target type='virtio'/></console>"
#define PCI "<serial type='pty'><target type='pci-serial'/></serial>"

static struct home home;
static char *dir;

static int setup(void **state)
{
	(void)state;
	dir = cm_mkdtemp();
	setenv("HVMUX_HOME", dir, 1);
	return home_init(&home, NULL, NULL);
}

static int teardown(void **state)
{
	(void)state;
	home_fini(&home);
	cm_rmdir(dir);
	return 0;
}

static void define(const char *name, const char *devices)
{
	CLEANUP_FREE char *folder = home_domains_dir(&home);
	CLEANUP_FREE char *xml =
	    xasprintf("<domain type='qemu'><name>%s</name><memory>65536</memory><os><type "
	              "arch='x86_64'>hvm</type></os><devices>%s</devices></domain>",
	        name, devices);
	assert_int_equal(home_mkdir(&home, folder, NULL), 0);
	assert_int_equal(store_write(&home, name, xml, strlen(xml), NULL), 0);
}

static int find(const char *name, const char *word)
{
	struct err err = {0};
	unsigned index = 99;
	return console_port_find(&home, name, word, &index, &err) == 0 ? (int)index : -1;
}

static void test_of_a_page(void **state)
{
	static const struct {
		const char *word;
		int index;
	} cases[] = {{"serial0", 0}, {"serial2", 1}, {"hvc0", 2}, {"hvc1", 3}, {"usb0", 4},
	    {"console3", 3}, {"2", 2}, {"ttyS2", 1}, {"serial1", -1}, {"console5", -1}, {"5", -1},
	    {"", -1}, {"serial", -1}, {"serial-1", -1}, {"serial00", -1}, {"hvc", -1}, {"-1", -1},
	    {"ttyS", -1}, {"serial0x", -1}, {"console", -1}, {"99999999999999999999", -1}};
	struct status_page *p = xcalloc(1, sizeof(*p));
	char name[STATUS_PORT_NAME_MAX];
	struct err err = {0};
	unsigned index;
	(void)state;
	snprintf(p->name, sizeof(p->name), "web1");
	p->consoles = 5;
	p->console[1].port_number = 2;
	p->console[2].port = p->console[3].port = STATUS_PORT_HVC;
	p->console[3].port_number = 1;
	p->console[4].port = STATUS_PORT_USB;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		index = 99;
		int rc = console_port_index(p, cases[i].word, &index, &err);
		assert_int_equal(rc, cases[i].index < 0 ? -1 : 0);
		if (rc == 0)
			assert_int_equal(index, cases[i].index);
	}
	assert_int_equal(console_port_index(p, "hvc7\033[2J", &index, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_string_equal(err.msg,
	    "cannot find character device hvc7\\x1b[2J: 'web1' has serial0, "
	    "serial2, hvc0, hvc1, usb0");
	console_port_name(p, 3, name);
	assert_string_equal(name, "hvc1");
	console_port_name(p, 5, name);
	assert_string_equal(name, "console5");
	console_port_name(NULL, 0, name);
	assert_string_equal(name, "console0");
	/* Numbers in a file are anybody's. */
	p->consoles = UINT32_MAX;
	p->console[0].port = 77;
	p->console[0].port_number = UINT32_MAX;
	console_port_name(p, 0, name);
	assert_string_equal(name, "port4294967295");
	assert_int_equal(console_port_index(p, "hvc0", &index, &err), 0);
	free(p);
}

static void test_of_a_definition(void **state)
{
	char names[CONSOLE_PORTS_MAX][STATUS_PORT_NAME_MAX];
	(void)state;
	/* The one that is not recorded has a number and no console. */
	define("never", HVC SERIAL2 SOCKET1 SERIAL0 HVC PCI);
	assert_int_equal(find("never", "serial0"), 0);
	assert_int_equal(find("never", "serial1"), -1);
	assert_int_equal(find("never", "serial2"), 1);
	assert_int_equal(find("never", "ua-kdb"), 1);
	assert_int_equal(find("never", "pci0"), 2);
	assert_int_equal(find("never", "hvc0"), 3);
	assert_int_equal(find("never", "hvc1"), 4);
	assert_int_equal(find("never", "ua-none"), -1);
	assert_int_equal(console_port_list(&home, "never", names), 5);
	assert_string_equal(names[2], "pci0");
	assert_int_equal(find("nosuch", "serial0"), -1);
	assert_int_equal(console_port_list(&home, "nosuch", names), 0);
}

static void test_without_a_console(void **state)
{
	struct err err = {0};
	unsigned index;
	(void)state;
	define("mute", "");
	assert_int_equal(console_port_find(&home, "mute", "serial0", &index, &err), -1);
	assert_non_null(strstr(err.msg, "'mute' has no console; add <serial type='pty'/>"));
}

static void test_a_page_goes_before_the_definition(void **state)
{
	struct status_writer w;
	CLEANUP_FREE char *path = home_run_file(&home, "ran", "status");
	CLEANUP_FREE char *run = home_run_dir(&home, "ran");
	(void)state;
	define("ran", SERIAL0 SERIAL2 HVC);
	assert_int_equal(home_mkdir(&home, run, NULL), 0);
	assert_int_equal(status_writer_open(&w, path, false, NULL), 0);
	struct status_page *p = status_begin(&w);
	snprintf(p->name, sizeof(p->name), "ran");
	p->consoles = 2;
	p->console[1].port = STATUS_PORT_HVC;
	status_end(&w);
	assert_int_equal(find("ran", "serial0"), 0);
	assert_int_equal(find("ran", "hvc0"), 1);
	assert_int_equal(find("ran", "serial2"), -1);
	assert_int_equal(find("ran", "ua-kdb"), 1); /* an alias is the definition's alone */
	status_writer_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_of_a_page),
	    cmocka_unit_test(test_of_a_definition),
	    cmocka_unit_test(test_without_a_console),
	    cmocka_unit_test(test_a_page_goes_before_the_definition),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
