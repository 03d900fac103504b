/* plug_forms, hw_forms, snap_forms: the command lines that forms make, and that their verbs take them. */
#include "unit/cm.h"

#include <string.h>

#include "cli/table.h"
#include "core/mem.h"
#include "tui/form.h"
#include "tui/hw_forms.h"
#include "tui/plug_facts.h"
#include "tui/plug_forms.h"
#include "tui/plug_host.h"
#include "tui/snap_forms.h"

static const struct form_spec *const all[] = {&plug_spec_disk, &plug_spec_nic, &plug_spec_vcpus,
    &plug_spec_balloon, &plug_spec_memory, &plug_spec_host, &plug_spec_medium, &plug_spec_file,
    &hw_spec_unplug_disk, &hw_spec_unplug_nic, &hw_spec_unplug, &hw_spec_resize,
    &hw_spec_disk_limits, &hw_spec_nic_limits, &snap_spec_new, &snap_spec_revert, &snap_spec_delete,
    &snap_spec_schedule};

static char *targets[] = {(char *)(uintptr_t) "vda", (char *)(uintptr_t) "sda", NULL},
            *none[] = {NULL};
static struct plug_drive drive = {.target = (char *)(uintptr_t) "sda"};
static struct plug_facts facts = {.live = true,
    .defined = true,
    .targets = targets,
    .drives = &drive,
    .n_drives = 1,
    .vcpus = 1,
    .vcpus_max = 4,
    .networks = none,
    .bridges = none};

static void init(struct form *f, const struct form_spec *spec)
{
	form_init(f, spec, "web1");
	f->facts = &facts;
}

static char *line_of(const struct form *f)
{
	struct form_words w;
	struct buf b = BUF_INIT;
	form_compose(f, &w);
	for (unsigned i = 0; i < w.n; i++)
		buf_addf(&b, "%s%s", i ? " " : "", w.word[i]);
	form_words_fini(&w);
	return buf_take(&b);
}

static void makes(struct form *f, const char *want)
{
	CLEANUP_FREE char *line = line_of(f);
	assert_true(form_check(f));
	assert_string_equal(line, want);
	form_fini(f);
}

static void disks(void **state)
{
	struct form f;
	(void)state;
	init(&f, &plug_spec_disk);
	assert_false(form_check(&f)); /* no image */
	form_set(&f, 0, "/i/a b.qcow2");
	makes(&f,
	    "attach-disk web1 /i/a b.qcow2 vdb --targetbus virtio --subdriver qcow2 --live --config");
	init(&f, &plug_spec_disk);
	form_set(&f, 0, "/dev/sdz");
	form_set(&f, 1, "scsi");
	form_set(&f, 3, "raw");
	form_set(&f, 4, "read only");
	form_set(&f, 5, PLUG_WHEN_NOW);
	makes(&f,
	    "attach-disk web1 /dev/sdz sdb --targetbus scsi --subdriver raw --mode readonly --live");
}

static void cards(void **state)
{
	struct form f;
	(void)state;
	init(&f, &plug_spec_nic);
	assert_false(form_check(&f)); /* which bridge? */
	assert_int_equal(f.at, 1);
	form_set(&f, 1, "br0");
	form_set(&f, 5, PLUG_WHEN_NEXT);
	makes(&f, "attach-interface web1 bridge br0 --model virtio --config");
	init(&f, &plug_spec_nic);
	form_set(&f, 1, "br0");
	form_set(&f, 4, "tcp:2222:22");
	assert_false(form_check(&f)); /* on a bridge nothing is forwarded */
	form_set(&f, 0, "user");
	makes(
	    &f, "attach-interface web1 user --model virtio --forward tcp:2222:22 --live --config");
}

static void cpus_and_memory(void **state)
{
	struct form f;
	(void)state;
	init(&f, &plug_spec_vcpus);
	form_set(&f, 0, "5");
	assert_false(form_check(&f));
	assert_non_null(strstr(f.error, "--maximum"));
	form_set(&f, 0, "-1");
	assert_false(form_check(&f));
	form_set(&f, 0, "3");
	makes(&f, "setvcpus web1 3 --live --config");
	init(&f, &plug_spec_balloon);
	form_set(&f, 0, "some");
	assert_false(form_check(&f));
	form_set(&f, 0, "512M");
	makes(&f, "setmem web1 512M --live --config");
	init(&f, &plug_spec_memory);
	form_set(&f, 0, "100M");
	assert_false(form_check(&f));
	assert_non_null(strstr(f.error, "multiple of 128M"));
	form_set(&f, 0, "1G");
	makes(&f,
	    "attach-device web1 --xml <memory model='dimm'><target><size unit='KiB'>1048576</size>"
	    "</target></memory> --live --config");
}

static void media(void **state)
{
	struct form f;
	static const char *const drives[] = {"sda", NULL};
	(void)state;
	init(&f, &plug_spec_medium);
	form_choices(&f, 0, drives, NULL);
	assert_false(form_check(&f)); /* insert what? */
	form_set(&f, 2, "/iso/a.iso");
	makes(&f, "change-media web1 sda /iso/a.iso --insert --live --config");
	init(&f, &plug_spec_medium);
	form_choices(&f, 0, drives, NULL);
	form_set(&f, 1, "eject");
	form_set(&f, 3, "yes");
	makes(&f, "change-media web1 sda --eject --force --live --config");
}

static void devices(void **state)
{
	struct form f;
	(void)state;
	init(&f, &hw_spec_unplug_nic);
	f.subject = xstrdup("bridge 52:54:00:00:00:01");
	makes(&f, "detach-interface web1 bridge --mac 52:54:00:00:00:01 --live --config");
	init(&f, &hw_spec_unplug_disk);
	f.subject = xstrdup("vdb");
	makes(&f, "detach-disk web1 vdb --live --config");
	init(&f, &hw_spec_disk_limits);
	f.subject = xstrdup("vdb");
	assert_false(form_check(&f));
	form_set(&f, 1, "500");
	makes(&f, "blkdeviotune web1 vdb --total-iops-sec 500 --live --config");
}

/* The list of a command: whatever it says is printable, and what the host keeps says why. */
static void a_list_of_devices(void **state)
{
	static const char json[] =
	    "[{\"bus\": \"usb\", \"address\": \"1-2\", \"id\": \"0951:1666\", \"name\": \"Data\\u001b[2JTraveler\", "
	    "\"driver\": null, \"refused\": null}, {\"address\": \"06:00.0\", \"id\": \"8086:1533\", \"driver\": \"igb\", "
	    "\"refused\": \"it has the default route\"}, {\"name\": \"without an address\"}, 7]";
	struct plug_host_device *d;
	size_t n;
	(void)state;
	n = plug_host_parse(json, strlen(json), &d);
	assert_int_equal(n, 2);
	assert_string_equal(d[0].address, "1-2");
	assert_null(strchr(d[0].label, '\033'));
	assert_null(d[0].refused);
	assert_string_equal(d[1].note, "8086:1533  driver igb");
	assert_string_equal(d[1].refused, "it has the default route");
	plug_host_free(d, n);
	for (size_t i = 0; i < 3; i++) {
		static const char *const bad[] = {"", "{}", "[[[["};
		n = plug_host_parse(bad[i], strlen(bad[i]), &d);
		assert_int_equal(n, 0);
		plug_host_free(d, n);
	}
}

static void snapshots(void **state)
{
	static const char *const what[] = {"memory and disks", "disks only, in new files", NULL};
	struct form f;
	(void)state;
	init(&f, &snap_spec_new);
	form_choices(&f, 2, what, NULL);
	makes(&f, "snapshot-create-as web1");
	init(&f, &snap_spec_new);
	form_choices(&f, 2, what, NULL);
	form_set(&f, 0, "s1");
	form_set(&f, 1, "before the upgrade");
	form_set(&f, 3, "yes");
	assert_false(form_check(&f)); /* with memory nothing is quiesced */
	form_set(&f, 2, what[1]);
	makes(&f,
	    "snapshot-create-as web1 --name s1 --description before the upgrade --disk-only --quiesce");
	init(&f, &snap_spec_revert);
	f.subject = xstrdup("s1");
	form_set(&f, 1, "paused");
	makes(&f, "snapshot-revert web1 s1 --safety-snapshot --paused");
	init(&f, &snap_spec_delete);
	f.subject = xstrdup("s1");
	form_set(&f, 0, "this one and all below it");
	makes(&f, "snapshot-delete web1 s1 --children");
	init(&f, &snap_spec_schedule);
	makes(&f, "snapshot-schedule web1 --every 6h --keep 7d");
}

/* Whatever is filled in: every option that a form uses is one of its verb's. */
static void verbs_have_the_options(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		const struct verb *v = verb_find(all[i]->verb);
		struct form_words w;
		struct form f;
		assert_true(all[i]->n <= FORM_FIELDS_MAX);
		if (!v)
			continue; /* not every build has it; then it is not offered */
		init(&f, all[i]);
		f.subject = xstrdup("x y");
		for (unsigned k = 0; k < all[i]->n; k++)
			form_set(&f, k, all[i]->fields[k].kind == FORM_MARK ? "yes" : "1");
		form_compose(&f, &w);
		for (unsigned k = 0; k < w.n; k++)
			if (!strncmp(w.word[k], "--", 2) &&
			    !opt_find(v->opts, w.word[k] + 2, strlen(w.word[k]) - 2))
				fail_msg("%s has no %s", v->name, w.word[k]);
		form_words_fini(&w);
		form_fini(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(disks),
	    cmocka_unit_test(cards),
	    cmocka_unit_test(cpus_and_memory),
	    cmocka_unit_test(media),
	    cmocka_unit_test(devices),
	    cmocka_unit_test(a_list_of_devices),
	    cmocka_unit_test(snapshots),
	    cmocka_unit_test(verbs_have_the_options),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
