/* dominfo, domstate, domstats of a live VM: virsh's fields and keys. */
#include "unit/cli/run_cli.h"

static const char xml[] =
    "<domain type='qemu'><name>vm1</name><memory>8388608</memory><vcpu>1</vcpu>"
    "<os><type>hvm</type></os></domain>";

static void test_dominfo(void **state)
{
	struct status_writer w;
	int l;
	struct run r;
	(void)state;
	run_define("vm1", xml);
	run_live("vm1", 4, VM_RUNNING, VM_REASON_BOOTED, &w, &l);
	setenv("LC_ALL", "de_DE.UTF-8", 1);
	RUN(&r, "dominfo", "vm1");
	assert_int_equal(r.status, 0);
	const char *virsh =
	    "Id:             4\nName:           vm1\n"
	    "UUID:           00112233-4455-6677-8899-aabbccddeeff\nOS Type:        hvm\n"
	    "State:          running\nCPU(s):         2\nCPU time:       12.3s\n"
	    "Max memory:     2097152 KiB\nUsed memory:    1048576 KiB\nPersistent:     yes\n"
	    "Autostart:      disable\nManaged save:   no\nSecurity model: none\nSecurity DOI:   0\n"
	    "Reason:         booted\nAnswering:      yes\nAccelerator:    tcg\n";
	assert_memory_equal(r.out, virsh, strlen(virsh));
	char *pid = xasprintf("\nQEMU PID:       %d\n", getpid());
	assert_non_null(strstr(r.out, pid));
	free(pid);
	run_free(&r);
	RUN(&r, "dominfo", "4", "--json");
	assert_non_null(strstr(r.out, "\"cpu_time_ns\": 12345678901,"));
	assert_non_null(strstr(r.out, "\"memory_kib\": 2097152,"));
	run_free(&r);
	run_end(&w, l);
}

/* A log that stands still is told, to people and to programs. */
static void test_logs(void **state)
{
	struct status_writer w;
	int l;
	struct run r;
	(void)state;
	run_define("vm1", xml);
	run_live("vm1", 4, VM_RUNNING, VM_REASON_BOOTED, &w, &l);
	struct status_page *p = status_begin(&w);
	p->consoles = 2;
	p->console[1].port_number = 1;
	p->console[1].log_missing = 77;
	strcpy(p->console[1].log_trouble, "No space left on device");
	status_end(&w);
	RUN(&r, "dominfo", "vm1");
	assert_non_null(strstr(r.out, "Log:            serial1 stands still: No space left"));
	assert_non_null(strstr(r.out, "Log:            serial1: 77 bytes are missing\n"));
	assert_null(strstr(r.out, "serial0"));
	run_free(&r);
	RUN(&r, "dominfo", "vm1", "--json");
	struct json_object *o = json_tokener_parse(r.out), *all, *one, *value;
	assert_true(json_object_object_get_ex(o, "consoles", &all));
	assert_int_equal(json_object_array_length(all), 2);
	one = json_object_array_get_idx(all, 0);
	assert_true(json_object_object_get_ex(one, "log_trouble", &value));
	assert_null(value);
	one = json_object_array_get_idx(all, 1);
	assert_true(json_object_object_get_ex(one, "port", &value));
	assert_string_equal(json_object_get_string(value), "serial1");
	assert_true(json_object_object_get_ex(one, "log_trouble", &value));
	assert_string_equal(json_object_get_string(value), "No space left on device");
	assert_true(json_object_object_get_ex(one, "log_missing_bytes", &value));
	assert_int_equal(json_object_get_int64(value), 77);
	json_object_put(o);
	run_free(&r);
	run_end(&w, l);
}

static void test_domstate(void **state)
{
	struct status_writer w;
	int l;
	(void)state;
	run_live("vm1", 4, VM_PAUSED, VM_REASON_IOERROR, &w, &l);
	EXPECT(0, "paused\n\n", "", "domstate", "vm1");
	EXPECT(0, "paused (I/O error)\n\n", "", "domstate", "--reason", "--domain", "vm1");
	EXPECT(0, "paused\n\n", "", "domstate", "00112233-4455-6677-8899-AABBCCDDEEFF");
	EXPECT(1, "\n", "error: failed to get domain 'nope'\n", "domstate", "nope");
	EXPECT(1, "", "error: failed to get domain 'nope'\n", "domstate", "nope", "--json");
	run_end(&w, l);
}

/* virsh's numbers for a state and its reason. */
static void test_virsh_numbers(void **state)
{
	static const struct {
		enum vm_state state;
		enum vm_reason reason;
		const char *text;
	} cases[] = {
	    {VM_RUNNING, VM_REASON_BOOTED, "1\n  state.reason=1"},
	    {VM_RUNNING, VM_REASON_UNPAUSED, "1\n  state.reason=5"},
	    {VM_PAUSED, VM_REASON_USER, "3\n  state.reason=1"},
	    {VM_PAUSED, VM_REASON_STARTED_PAUSED, "3\n  state.reason=11"},
	    {VM_STARTING, VM_REASON_UNKNOWN, "3\n  state.reason=11"},
	    {VM_SHUTDOWN, VM_REASON_USER, "4\n  state.reason=1"},
	    {VM_CRASHED, VM_REASON_PANICKED, "6\n  state.reason=1"},
	    {VM_PMSUSPENDED, VM_REASON_UNKNOWN, "7\n  state.reason=0"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct status_writer w;
		int l;
		run_live("vm1", 4, cases[i].state, cases[i].reason, &w, &l);
		char *want = xasprintf("Domain: 'vm1'\n  state.state=%s\n\n", cases[i].text);
		EXPECT(0, want, "", "domstats", "--state");
		free(want);
		run_end(&w, l);
	}
}

static void fill_devices(struct status_writer *w)
{
	struct status_page *p = status_begin(w);
	p->disks = 1;
	strcpy(p->disk[0].target, "vda");
	strcpy(p->disk[0].path, "/d.qcow2");
	p->disk[0].rd_ops = 1;
	p->disk[0].rd_bytes = 512;
	p->disk[0].rd_ns = 7;
	p->disk[0].capacity = 1048576;
	p->nets = 2;
	strcpy(p->net[0].target, "tap0");
	strcpy(p->net[0].mac, "52:54:00:00:00:01");
	p->net[0].known = 1;
	p->net[0].rx_bytes = 60;
	p->net[0].rx_pkts = 1;
	strcpy(p->net[1].mac, "52:54:00:00:00:02");
	status_end(w);
}

static void test_domstats(void **state)
{
	struct status_writer w;
	int l;
	(void)state;
	run_live("vm1", 4, VM_RUNNING, VM_REASON_BOOTED, &w, &l);
	fill_devices(&w);
	EXPECT(0,
	    "Domain: 'vm1'\n  state.state=1\n  state.reason=1\n"
	    "  cpu.time=12345678901\n  cpu.user=12000000000\n  cpu.system=345678901\n"
	    "  balloon.current=1048576\n  balloon.maximum=2097152\n"
	    "  vcpu.current=2\n  vcpu.maximum=2\n  vcpu.0.state=1\n  vcpu.0.time=5000000000\n"
	    "  vcpu.1.state=1\n  vcpu.1.time=6000000000\n"
	    "  net.count=2\n  net.0.name=tap0\n  net.0.rx.bytes=60\n  net.0.rx.pkts=1\n"
	    "  net.0.tx.bytes=0\n  net.0.tx.pkts=0\n"
	    "  block.count=1\n  block.0.name=vda\n  block.0.path=/d.qcow2\n  block.0.rd.reqs=1\n"
	    "  block.0.rd.bytes=512\n  block.0.rd.times=7\n  block.0.wr.reqs=0\n  block.0.wr.bytes=0\n"
	    "  block.0.wr.times=0\n  block.0.fl.reqs=0\n  block.0.fl.times=0\n  block.0.capacity=1048576\n\n",
	    "", "domstats", "vm1");
	EXPECT(0,
	    "Domain: 'vm1'\n  cpu.time=12345678901\n  cpu.user=12000000000\n  cpu.system=345678901\n\n",
	    "", "domstats", "--cpu-total", "--list-running", "--raw");
	EXPECT(0, "\n", "", "domstats", "--list-paused");
	EXPECT(1, "\n", "error: failed to get domain 'vm2'\n", "domstats", "vm1", "vm2");
	run_end(&w, l);
}

static void test_domstats_json(void **state)
{
	struct status_writer w;
	int l;
	struct run r;
	(void)state;
	run_live("vm1", 4, VM_RUNNING, VM_REASON_BOOTED, &w, &l);
	fill_devices(&w);
	RUN(&r, "domstats", "--json");
	struct json_object *o = json_tokener_parse(r.out), *vm, *list, *item, *value;
	assert_non_null(o);
	vm = json_object_array_get_idx(o, 0);
	assert_true(json_object_object_get_ex(vm, "block", &list));
	item = json_object_array_get_idx(list, 0);
	assert_true(json_object_object_get_ex(item, "capacity_bytes", &value));
	assert_int_equal(json_object_get_int64(value), 1048576);
	assert_true(json_object_object_get_ex(vm, "net", &list));
	item = json_object_array_get_idx(list, 1);
	assert_true(json_object_object_get_ex(item, "mac", &value));
	/* Uncounted is absent, not zero. */
	assert_false(json_object_object_get_ex(item, "rx_bytes", &value));
	json_object_put(o);
	run_free(&r);
	run_end(&w, l);
}

static void test_a_silent_vm_says_so(void **state)
{
	struct status_writer w;
	int l;
	(void)state;
	run_live("vm1", 4, VM_RUNNING, VM_REASON_BOOTED, &w, &l);
	status_begin(&w)->beat_ns = 1;
	status_end(&w);
	EXPECT(0, "Domain: 'vm1'\n  state.state=1\n  state.reason=1\n  hvmux.silent=1\n\n", "",
	    "domstats", "--state");
	run_end(&w, l);
}

int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1) /* nobody may take this program for hvmux and start a supervisor with it */
		return 1;
#define T(f) cmocka_unit_test_setup_teardown(f, run_setup, run_teardown)
	const struct CMUnitTest tests[] = {T(test_dominfo), T(test_logs), T(test_domstate),
	    T(test_virsh_numbers), T(test_domstats), T(test_domstats_json),
	    T(test_a_silent_vm_says_so)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
