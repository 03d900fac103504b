/* Balloons by themselves, where hvmux.conf reserves memory for the host and the domain's metadata lets it take part: every few seconds
 * the rule (kvm/balloon_rule.h) is asked what this guest should have. Nobody is talked to: what others have to spare stands in their
 * status pages. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/audit.h"
#include "core/domain_meta.h"
#include "core/file.h"
#include "core/hostconf.h"
#include "core/jsonl.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/rate.h"
#include "core/str.h"
#include "core/vm.h"
#include "kvm/balloon_rule.h"
#include "kvm/supervisor_impl.h"
#include "kvm/supervisor_plan.h"

#define WISHES_NS 60000000000ull /* between looks at hvmux.conf and the metadata */
#define LOOK_NS 10000000000ull
#define STATS_S 5 /* how often the guest tells its memory, where nobody has said otherwise */
#define WRITE_NS 60000000000ull /* between notes of it in the live document */
#define BALLOON "/machine/peripheral/balloon0"
#define PROC_MAX 65536u

struct sup_balloon {
	uint64_t wishes_ns, look_ns; /* CLOCK_MONOTONIC */
	uint64_t reserve_kib, floor_kib, ceiling_kib;
	uint64_t
	    asked_kib; /* that QEMU has taken, and that the live document does not say yet; 0 it does */
	uint64_t written_ns; /* CLOCK_MONOTONIC: when it was last made to */
	struct rate told;    /* what of it stands in the audit log */
	bool on, asked_stats, waiting;
};

/* --- what is wished --- */
static void read_wishes(struct supervisor *s, struct sup_balloon *b)
{
	struct hostconf conf;
	struct domain_meta meta;
	CLEANUP_BUF struct buf xml = BUF_INIT;
	CLEANUP_FREE char *path = home_run_file(s->home, s->name, "live.xml");
	b->on = false;
	if (hostconf_load(s->home, &conf, NULL) < 0)
		return; /* a start says what is wrong with it */
	b->reserve_kib = conf.balloon_reserve / 1024;
	hostconf_fini(&conf);
	if (b->reserve_kib == 0 || file_read(path, 8u << 20, &xml, NULL) < 0 || xml.len == 0)
		return;
	domain_meta_parse(xml.data, xml.len, path, &meta, NULL);
	uint64_t whole = s->page.page->memory_kib;
	b->on = meta.balloon;
	b->floor_kib = meta.balloon_floor > 0 ? meta.balloon_floor * 1024ull : whole / 4;
	b->ceiling_kib = meta.balloon_ceiling > 0 ? meta.balloon_ceiling * 1024ull : whole;
	if (b->ceiling_kib > whole)
		b->ceiling_kib = whole;
	domain_meta_fini(&meta);
}

static void publish(struct supervisor *s, bool on, uint64_t wanted_kib)
{
	struct status_page *p = status_begin(&s->page);
	p->balloon_auto = on;
	p->balloon_wanted_kib = wanted_kib;
	status_end(&s->page);
}

/* --- the host --- */
static bool read_proc(const char *path, struct buf *text)
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, buf_reserve(text, PROC_MAX), PROC_MAX - 1) : -1;
	if (n <= 0)
		return false;
	text->data[n] = '\0';
	return true;
}

static uint64_t host_available_kib(void)
{
	CLEANUP_BUF struct buf text = BUF_INIT;
	uint64_t kib = 0;
	const char *at =
	    read_proc("/proc/meminfo", &text) ? strstr(text.data, "MemAvailable:") : NULL;
	return at != NULL && sscanf(at, "MemAvailable: %" SCNu64, &kib) == 1 ? kib : 0;
}

/* Kernels without PSI have no such file. */
static unsigned host_pressure(void)
{
	CLEANUP_BUF struct buf text = BUF_INIT;
	unsigned whole, hundredths;
	if (!read_proc("/proc/pressure/memory", &text) ||
	    sscanf(text.data, "some avg10=%u.%u", &whole, &hundredths) != 2 || whole > 100)
		return 0;
	return whole * 100 + hundredths % 100;
}

/* Those that take part, this one too. */
static void count_guests(const struct supervisor *s, struct balloon_in *in)
{
	struct vm *vms = NULL;
	size_t n = 0;
	in->guests = 0;
	in->spare_kib = 0;
	if (vm_list(s->home, &vms, &n, NULL) < 0)
		n = 0;
	for (size_t i = 0; i < n; i++) {
		const struct status_page *p = vms[i].head;
		if (!vms[i].live || p == NULL || p->balloon_auto == 0)
			continue;
		in->guests++;
		in->spare_kib += p->guest_available_kib;
	}
	vm_list_free(vms, n);
}

/* --- deciding --- */
struct change {
	struct supervisor *s;
	uint64_t from_kib, to_kib;
};

static void got_balloon(void *arg, struct json_object *result, const struct err *err)
{
	struct change k = *(struct change *)arg;
	struct supervisor *s = k.s;
	free(arg);
	(void)result;
	if (err != NULL) {
		log_warn("auto-balloon: %s", err->msg);
		if (s->page.page != NULL)
			publish(s, true, 0);
		return;
	}
	s->balloon->asked_kib = k.to_kib;
	if (sup_may_tell(s, &s->balloon->told, "auto-balloon"))
		audit_write(s->home, s->name,
		    "who=supervisor pid=%d what=auto-balloon detail=from %" PRIu64 " to %" PRIu64
		    " MiB",
		    (int)getpid(), k.from_kib / 1024, k.to_kib / 1024);
}

/* Once it is at rest <currentMemory> says so, too: by the plan that an operator's change is, behind whatever else is going on. */
static void write_down(struct supervisor *s)
{
	struct sup_balloon *b = s->balloon;
	uint64_t now = loop_now_ns();
	if (b->asked_kib == 0 || sup_plan_busy(s) ||
	    (b->written_ns != 0 && now - b->written_ns < WRITE_NS))
		return;
	struct json_object *args = json_object_new_object();
	json_object_object_add(args, "kib", json_object_new_int64((int64_t)b->asked_kib));
	b->asked_kib = 0;
	b->written_ns = now;
	sup_plan_own(s, "setmem", args);
}

static void decide(struct supervisor *s)
{
	const struct sup_balloon *b = s->balloon;
	const struct status_page *p = s->page.page;
	struct balloon_in in = {.available_kib = host_available_kib(),
	    .reserve_kib = b->reserve_kib,
	    .pressure = host_pressure(),
	    .now_kib = p->balloon_kib,
	    .floor_kib = b->floor_kib,
	    .ceiling_kib = b->ceiling_kib,
	    .guest_available_kib = p->guest_available_kib,
	    .spare_kib = p->guest_available_kib,
	    .guests = 1};
	if (in.available_kib == 0)
		return;
	/* The others matter only to one that would change by itself. */
	if (balloon_wanted(&in) != in.now_kib)
		count_guests(s, &in);
	uint64_t wanted = balloon_wanted(&in);
	if (wanted == in.now_kib) {
		publish(s, true, 0);
		write_down(s);
		return;
	}
	log_info("auto-balloon: from %" PRIu64 " to %" PRIu64 " MiB: the host has %" PRIu64
	         " MiB available, %" PRIu64 " are reserved",
	    in.now_kib / 1024, wanted / 1024, in.available_kib / 1024, in.reserve_kib / 1024);
	struct json_object *args = json_object_new_object();
	json_object_object_add(args, "value", json_object_new_int64((int64_t)(wanted * 1024)));
	publish(s, true, wanted);
	struct change *k = xmalloc(sizeof(*k));
	*k = (struct change){s, in.now_kib, wanted};
	qmp_send(s->qmp, "balloon", args, 0, got_balloon, k);
}

/* --- the guest's figures --- */
static struct json_object *property(const char *name)
{
	struct json_object *args = json_object_new_object();
	json_object_object_add(args, "path", json_object_new_string(BALLOON));
	json_object_object_add(args, "property", json_object_new_string(name));
	return args;
}

static void got_stats(void *arg, struct json_object *result, const struct err *err)
{
	struct supervisor *s = arg;
	s->balloon->waiting = false;
	if (err != NULL || s->page.page == NULL || !s->qmp_ready)
		return; /* no balloon, or no QEMU */
	sampler_guest_stats(&s->sampler, result);
	decide(s);
}

static void got_interval(void *arg, struct json_object *result, const struct err *err)
{
	struct supervisor *s = arg;
	if (err != NULL || json_object_get_int64(result) != 0)
		return;
	struct json_object *args = property("guest-stats-polling-interval");
	json_object_object_add(args, "value", json_object_new_int(STATS_S));
	qmp_send(s->qmp, "qom-set", args, 0, NULL, NULL);
}

void sup_balloon_tick(struct supervisor *s)
{
	uint64_t now = loop_now_ns();
	if (s->balloon == NULL)
		s->balloon = xcalloc(1, sizeof(*s->balloon));
	struct sup_balloon *b = s->balloon;
	if (s->page.page == NULL || !s->qmp_ready || s->machine.state != MACHINE_RUNNING)
		return;
	if (b->wishes_ns == 0 || now - b->wishes_ns >= WISHES_NS) {
		b->wishes_ns = now;
		read_wishes(s, b);
		if (b->on != (s->page.page->balloon_auto != 0))
			publish(s, b->on, 0);
	}
	/* An operator's own change goes first. */
	if (!b->on || b->waiting || s->page.page->job[0] != '\0' || now - b->look_ns < LOOK_NS)
		return;
	b->look_ns = now;
	if (!b->asked_stats)
		qmp_send(s->qmp, "qom-get", property("guest-stats-polling-interval"), 0,
		    got_interval, s);
	b->asked_stats = b->waiting = true;
	qmp_send(s->qmp, "qom-get", property("guest-stats"), 0, got_stats, s);
}

void sup_balloon_free(struct supervisor *s)
{
	free(s->balloon);
	s->balloon = NULL;
}
