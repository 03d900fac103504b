/* hw_rows, hw_actions, hw_draw: a machine's parts, how the next start differs, what can be done to each. */
#include "unit/cm.h"
#include "unit/golden.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cli/table.h"
#include "tui/hw_actions.h"
#include "tui/hw_draw.h"
#include "tui/input.h"

static const char live_xml[] =
    "<domain type='kvm'><name>web1</name><memory unit='MiB'>2048</memory>"
    "<maxMemory slots='4' unit='MiB'>8192</maxMemory><vcpu current='3'>4</vcpu>"
    "<os><type machine='q35'>hvm</type></os><devices>"
    "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/i/web1.qcow2'/>"
    "<target dev='vda' bus='virtio'/><alias name='virtio-disk0'/></disk>"
    "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/i/data.qcow2'/>"
    "<target dev='vdb' bus='virtio'/><alias name='virtio-disk1'/></disk>"
    "<disk type='file' device='cdrom'><target dev='sda' bus='sata'/><alias name='sata0-0-0'/></disk>"
    "<interface type='bridge'><mac address='52:54:00:00:00:01'/><source bridge='br0'/>"
    "<model type='virtio'/><alias name='net0'/></interface>"
    "<serial type='pty'><target port='0'/><alias name='serial0'/></serial>"
    "<rng model='virtio'><backend model='random'>/dev/urandom</backend><alias name='rng0'/></rng>"
    "<memory model='dimm'><target><size unit='KiB'>1048576</size></target><alias name='dimm0'/>"
    "<address type='dimm' slot='0' base='0x100000000'/></memory></devices></domain>";
static const char next_xml[] =
    "<domain type='kvm'><name>web1</name><memory unit='MiB'>2048</memory>"
    "<maxMemory slots='4' unit='MiB'>8192</maxMemory><vcpu current='3'>4</vcpu>"
    "<os><type machine='q35'>hvm</type></os><devices>"
    "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/i/web1.qcow2'/>"
    "<target dev='vda' bus='virtio'/></disk>"
    "<disk type='file' device='cdrom'><target dev='sda' bus='sata'/></disk>"
    "<interface type='bridge'><mac address='52:54:00:00:00:01'/><source bridge='br0'/>"
    "<model type='virtio'/></interface>"
    "<serial type='pty'><target port='0'/></serial>"
    "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>"
    "<watchdog model='itco' action='reset'/></devices></domain>";

struct rig {
	char root[32];
	struct home home;
	struct vm_entry *e;
	struct status_page *page;
	struct hw_rows rows;
};

static void write_file(char *path, const char *text)
{
	char *slash = strrchr(path, '/');
	*slash = '\0';
	CLEANUP_FREE char *mkdir = xasprintf("mkdir -p %s", path);
	assert_int_equal(system(mkdir), 0);
	*slash = '/';
	assert_int_equal(file_write_atomic(path, text, strlen(text), 0600, NULL), 0);
	free(path);
}

static int open_rig(void **state)
{
	struct rig *r = *state = xcalloc(1, sizeof(*r));
	strcpy(r->root, "/tmp/hw_rowsXXXXXX");
	assert_non_null(mkdtemp(r->root));
	setenv("HVMUX_HOME", r->root, 1);
	assert_int_equal(home_init(&r->home, NULL, NULL), 0);
	write_file(home_run_file(&r->home, "web1", "live.xml"), live_xml);
	write_file(home_domain_xml(&r->home, "web1"), next_xml);
	r->e = vm_entry_new("web1");
	r->e->live = true;
	r->page = xcalloc(1, sizeof(*r->page));
	r->page->vcpus = 3;
	r->page->vcpus_max = 4;
	r->page->vcpus_online = 2;
	r->page->kvm = 1;
	r->page->memory_kib = 3 << 20;
	r->page->balloon_kib = 2 << 20;
	r->page->dimm_kib = 1 << 20;
	r->page->dimm_online_kib = 1 << 19;
	r->page->dimm_told = 1;
	r->page->disks = 1;
	r->page->disk[0].rd_bytes = 5 << 20;
	strcpy(r->page->disk[0].target, "vda");
	hw_rows_read(&r->rows, &r->home, "web1", r->e, r->page);
	return 0;
}

static int close_rig(void **state)
{
	struct rig *r = *state;
	CLEANUP_FREE char *rm = xasprintf("rm -rf %s", r->root);
	assert_int_equal(system(rm), 0);
	hw_rows_fini(&r->rows);
	vm_entry_free(r->e);
	home_fini(&r->home);
	free(r->page);
	free(r);
	return 0;
}

static const struct hw_row *row(const struct rig *r, const char *kind, const char *name)
{
	for (size_t i = 0; i < r->rows.n; i++)
		if (!strcmp(r->rows.row[i].part.kind, kind) &&
		    (!name || !strcmp(r->rows.row[i].part.name, name)))
			return &r->rows.row[i];
	fail_msg("no row %s %s", kind, name ? name : "");
	return NULL;
}

static void the_next_start_is_compared(void **state)
{
	const struct rig *r = *state;
	assert_string_equal(r->rows.trouble, "");
	assert_int_equal(row(r, "disk", "vda")->mark, HW_AS_IS);
	assert_int_equal(row(r, "disk", "vdb")->mark, HW_GOES);
	assert_int_equal(row(r, "watchdog", NULL)->mark, HW_COMES);
	/* An alias is of a run, and no difference. */
	assert_int_equal(row(r, "serial", NULL)->mark, HW_AS_IS);
	assert_int_equal(row(r, "rng", NULL)->mark, HW_AS_IS);
	assert_string_equal(row(r, "disk", "vdb")->part.alias, "virtio-disk1");
	assert_string_equal(row(r, "disk", "vda")->live, "read 5.0M, written 0B");
}

static void what_is_not_online_is_said_with_the_command(void **state)
{
	const struct rig *r = *state;
	const struct hw_row *cpu = row(r, "cpu", NULL);
	assert_non_null(strstr(cpu->advice, "3 plugged, 2 online"));
	assert_non_null(strstr(cpu->advice, "hvmux setvcpus web1 3 --guest"));
	assert_int_equal(hw_row_style(cpu), STYLE_WARN);
	assert_string_equal(cpu->live, "3 of 4 plugged, 2 online, KVM");
	assert_non_null(strstr(row(r, "memory", "2.0GiB")->advice, "1.0G plugged, 512M online"));
	assert_string_equal(row(r, "memory", "dimm")->part.text, "1.0GiB");
}

/* Nothing of it in use is what has to be said most; that the guest says nothing is something else. */
static void memory_of_which_nothing_is_online(void **state)
{
	struct rig *r = *state;
	hw_rows_fini(&r->rows);
	r->page->dimm_online_kib = 0;
	hw_rows_read(&r->rows, &r->home, "web1", r->e, r->page);
	assert_non_null(strstr(row(r, "memory", "2.0GiB")->advice, "1.0G plugged, 0B online"));
	hw_rows_fini(&r->rows);
	r->page->dimm_told = 0;
	hw_rows_read(&r->rows, &r->home, "web1", r->e, r->page);
	assert_string_equal(row(r, "memory", "2.0GiB")->advice, "");
}

static void each_has_what_can_be_done_to_it(void **state)
{
	const struct rig *r = *state;
	static const struct {
		const char *kind, *name, *verb;
		bool live, off;
	} all[] = {{"disk", "vda", "detach-disk", true, true},
	    {"disk", "sda", "detach-disk", false, false},
	    {"disk", "sda", "change-media", true, true},
	    {"disk", "vda", "change-media", false, false},
	    {"disk", "vda", "blockresize", true, false},
	    {"disk", "vda", "blkdeviotune", true, true},
	    {"interface", NULL, "domif-setlink", true, true},
	    {"interface", NULL, "detach-interface", true, true},
	    {"rng", NULL, "detach-device-alias", true, false},
	    {"serial", NULL, "detach-device-alias", false, false},
	    {"memory", "dimm", "detach-device-alias", true, false},
	    {"memory", "dimm", "setmem", false, false}, {"memory", "2.0GiB", "setmem", true, true},
	    {"cpu", NULL, "setvcpus", true, true}};
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		const struct hw_row *w = row(r, all[i].kind, all[i].name);
		bool live = false, off = false;
		for (unsigned k = 0; k < hw_action_count; k++)
			if (!strcmp(hw_actions[k].verb, all[i].verb)) {
				live = live || hw_actions[k].fits(w, true);
				off = off || hw_actions[k].fits(w, false);
			}
		if (live != all[i].live || off != all[i].off)
			fail_msg("%s of %s %s: %d %d", all[i].verb, all[i].kind, w->part.name, live,
			    off);
	}
	for (unsigned k = 0; k < hw_action_count; k++)
		assert_false(hw_action_offered(&hw_actions[k], row(r, "watchdog", NULL), true));
}

/* Lower case is reversible, upper case asks; a key means one thing for one device. */
static void keys_keep_the_rules(void **state)
{
	const struct rig *r = *state;
	for (unsigned i = 0; i < hw_action_count; i++) {
		const struct hw_action *a = &hw_actions[i];
		const struct verb *v = verb_find(a->verb);
		struct vt_key k;
		assert_int_equal(input_key_parse(a->key, &k), 0);
		assert_string_not_equal(a->key, "y");
		if (v)
			assert_int_equal((v->flags & (VERB_DISRUPTS | VERB_DELETES)) != 0,
			    isupper((unsigned char)a->key[0]) != 0);
		for (unsigned n = i + 1; n < hw_action_count; n++)
			for (size_t w = 0; !strcmp(hw_actions[n].key, a->key) && w < r->rows.n; w++)
				assert_false(a->fits(&r->rows.row[w], true) &&
				             hw_actions[n].fits(&r->rows.row[w], true));
	}
}

static void broken_documents_are_said(void **state)
{
	struct rig *r = *state;
	write_file(home_run_file(&r->home, "web1", "live.xml"), "<domain>");
	hw_rows_fini(&r->rows);
	hw_rows_read(&r->rows, &r->home, "web1", r->e, r->page);
	assert_false(r->rows.runs);
	assert_non_null(strstr(r->rows.trouble, "live.xml"));
	assert_true(r->rows.n > 3); /* the definition is shown in its place */
}

static void every_size(void **state)
{
	const struct rig *r = *state;
	struct sheet s = {0};
	for (int rows = 0; rows < 40; rows++)
		for (int cols = 0; cols < 170; cols += cols < 30 ? 1 : 9) {
			struct hw_screen v = {.domain = "web1",
			    .state = "running",
			    .job = "",
			    .clock = "12:00",
			    .rows = &r->rows,
			    .at = r->rows.n - 1};
			sheet_init(&s, rows, cols, true);
			hw_screen_draw(&v, &s);
			assert_true(v.at >= v.first && v.at < v.first + v.height);
		}
	sheet_fini(&s);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)
	const struct CMUnitTest tests[] = {
	    T(the_next_start_is_compared),
	    T(what_is_not_online_is_said_with_the_command),
	    T(memory_of_which_nothing_is_online),
	    T(each_has_what_can_be_done_to_it),
	    T(keys_keep_the_rules),
	    T(broken_documents_are_said),
	    T(every_size),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
