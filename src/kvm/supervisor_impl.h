/* supervisor_impl: what the supervisor's files share. One struct, made and freed in supervisor.c. */
#ifndef KVM_SUPERVISOR_IMPL_H
#define KVM_SUPERVISOR_IMPL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/domain.h"
#include "core/err.h"
#include "core/home.h"
#include "core/loop.h"
#include "core/rate.h"
#include "core/status.h"
#include "core/vm_process.h"
#include "kvm/agent.h"
#include "kvm/agent_facts.h"
#include "kvm/argv.h"
#include "kvm/companion.h"
#include "kvm/control.h"
#include "kvm/machine.h"
#include "kvm/qmp.h"
#include "kvm/sampler.h"
#include "serial/hub.h"

#define SUP_DETAIL_MAX (STATUS_TEXT_MAX * 2)
#define SUP_STARTS_AGAIN "starts again at " /* at the detail's end while it is waited for */

/* The guest's agent: supervisor_agent.c. */
struct sup_agent {
	struct agent *agent; /* NULL: no channel, or not connected */
	bool configured;     /* QEMU has the channel */
	char device[64];     /* QEMU's id of the port */
	struct event *redial;
	unsigned redial_ms;
	struct json_object *facts[FACT_COUNT]; /* cleaned; NULL not known */
	uint64_t facts_ns, round_ns;           /* CLOCK_MONOTONIC: last answer, last round */
	unsigned step;                         /* of the round */
	bool polling, frozen, told_address;
};

struct supervisor {
	const struct home *home;
	char *name;
	struct loop *loop;
	int lock;     /* run/NAME/lock, held for life; -1 once given back */
	int ready_fd; /* -1 once answered */
	struct status_writer page;
	struct vm_process process; /* as it stands in run/NAME/process */
	int process_fd;
	struct machine machine;
	struct control *control;
	struct companion_set *companions; /* swtpm, virtiofsd */
	struct sampler sampler;
	struct hub *hubs[STATUS_CONSOLES_MAX];
	unsigned n_hubs;
	bool keep_rings; /* the consoles' history goes on: adoption, restart */
	uint64_t growth_at_s,
	    growth_own_s;       /* CLOCK_MONOTONIC: when it is looked at again; 0 not planned yet */
	uint64_t schedule_at_s; /* CLOCK_MONOTONIC: when schedules are looked at again */
	bool chains_checked;    /* since QEMU has gone */
	bool ended;

	/* the present QEMU */
	pid_t pid; /* 0 none */
	uint64_t start;
	bool ours;       /* our child: its exit status can be had */
	int exit_status; /* as waitpid gives it, -1 unknown */
	int pidfd;
	struct event *death;
	uint64_t began_ns; /* CLOCK_MONOTONIC */

	struct qmp *qmp;
	bool qmp_ready;
	struct event *
	    ready_wait; /* an adoption is told as done when the monitor answers, or when this fires */
	bool counting; /* query-blockstats is on its way */
	struct event *redial;
	unsigned redial_ms;
	unsigned console_tries;
	struct event *console_redial;
	unsigned console_redial_ms;
	uint64_t console_up_ns; /* CLOCK_MONOTONIC: when one of them was last connected */
	unsigned
	    status_owed; /* answers about its state that are on their way; the last one counts */
	bool places;     /* our QEMU's threads are to get places of their own */

	struct sup_agent guest;
	int *kept_ports; /* of displays, until QEMU listens (net/port.h) */
	size_t n_kept_ports;
	struct sup_balloon *balloon; /* supervisor_balloon.c's; NULL: not looked at yet */
	struct sup_plugged *plugged; /* supervisor_plugged.c's; NULL: not looked at yet */
	char *links_down; /* ids of the cards without a cable, a blank behind each; NULL none */

	struct event *timer; /* the machine's */
	struct event *tick;
	struct event *sigterm;
	struct sup_crashes *crashes;   /* supervisor_crashes.c's; NULL: nothing to keep yet */
	struct sup_triggers *triggers; /* supervisor_triggers.c's; NULL: no consoles */
	struct hooks *hooks;           /* NULL: none were run yet */
	struct hooks *match_hooks;     /* of triggers: nothing else waits for them */
	bool preparing, releasing;
	bool watchdog_dump; /* <watchdog action='dump'/> */
	struct sup_restore
	    *restore;          /* supervisor_restore.c's; NULL: a start from reset, or it is over */
	struct sup_dump *dump; /* supervisor_dump.c's; NULL: none goes on */
	struct sup_await
	    *await; /* supervisor_await.c's; NULL: nobody has had to wait for the monitor yet */
	struct sup_plans *plans; /* supervisor_plan.c's; NULL: none were asked for yet */
	uint64_t io_told_ns;     /* CLOCK_MONOTONIC of the last disk error that was recorded */
	struct rate reboots, watchdogs; /* what of them stands in the audit log */
	char detail[SUP_DETAIL_MAX];    /* what will be said of the end; "" nothing yet */
	enum err_code failure;          /* code of a start that failed */
};

/* --- supervisor.c --- */
void sup_ready(
    struct supervisor *s, const struct err *err); /* NULL: ok. Only the first call counts */
void sup_detail(struct supervisor *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Writes s->process down. */
int sup_note_process(struct supervisor *s, struct err *err);
void sup_load_policy(struct supervisor *s, const struct domain *d);

/* --- supervisor_start.c: from the definition to a process --- */
/* Reads the definition (live: run/NAME/live.xml), makes hubs and sockets and QEMU. *d is the caller's on success. */
int sup_read_domain(struct supervisor *s, bool live, struct domain *d, struct err *err);
/* Nothing of libxml2 stays while the VM runs; unless a thread of a plan uses it just now. */
void sup_xml_done(const struct supervisor *s);
int sup_launch(struct supervisor *s, struct domain *d, struct err *err);
int sup_write_live(const struct supervisor *s, const struct domain *d, struct err *err);
/* From run/NAME/live.xml: after its hooks, or once more. */
int sup_launch_live(struct supervisor *s, struct err *err);
/* Once QEMU is gone: has its guest changed what its images refer to? Once per run. */
void sup_check_chains(struct supervisor *s);
void sup_name_disks(struct supervisor *s, const struct domain *d);
/* live.xml has other disks, cards and processors than before: so have the page and the sampler. true: other processors. */
bool sup_devices_changed(struct supervisor *s);
/* supervisor_qemu.c: asks QEMU for the threads of its processors. */
void sup_ask_cpus(struct supervisor *s);
/* The consoles' plain sockets under the names of their ports, which stand in the page. */
void sup_link_ports(struct supervisor *s);
/* The page, from the definition. n_consoles: those that have a hub. */
void sup_fill_page(struct supervisor *s, const struct domain *d, unsigned n_consoles);
int sup_make_hubs(struct supervisor *s, unsigned n, struct err *err);

/* --- supervisor_qemu.c: the connections to a QEMU that lives, and its death --- */
void sup_attach(
    struct supervisor *s, pid_t pid, uint64_t start, int pidfd, bool ours); /* takes pidfd */
void sup_connect(struct supervisor *s); /* monitor and consoles by path */
void sup_detach(struct supervisor *s);
bool sup_answers(struct supervisor *s);
void sup_redial_init(struct supervisor *s);
void sup_tick(struct supervisor *s);

/* --- supervisor_triggers.c: patterns on the consoles --- */
/* Reads what the live document says; the consoles are there. Again: what was said anew. */
void sup_triggers_load(struct supervisor *s);
/* The guest starts anew: a new QEMU, or a reset. Before its first byte. */
void sup_triggers_boot(struct supervisor *s);
/* The consoles go. */
void sup_triggers_free(struct supervisor *s);
/* Somebody took that console's keyboard: he sees what it says. */
void sup_triggers_seen(struct supervisor *s, unsigned console, const char *who);
void sup_ctl_acknowledge(void *arg, struct json_object *params, struct control_req *r);
void sup_ctl_reload_triggers(void *arg, struct json_object *params, struct control_req *r);

/* --- supervisor_crashes.c: what is kept of a crash --- */
/* An event of QEMU's; data borrowed, may be NULL. */
void sup_crash_note(
    struct supervisor *s, const char *event, struct json_object *data, uint64_t time_ns);
/* Something is wrong with the guest: kept in a moment, with s->detail, or `words` where nothing stands there. reason is a
 * word, of static storage: "panic", "watchdog", "internal-error". */
void sup_crash(struct supervisor *s, const char *reason, const char *words);
/* QEMU is gone; s->detail says how, the machine has not heard of it yet. */
void sup_crash_died(struct supervisor *s);
/* The guest starts anew. */
void sup_crash_boot(struct supervisor *s);
/* Consoles and page are about to go. */
void sup_crash_end(struct supervisor *s);
void sup_crashes_free(struct supervisor *s); /* waits for what is being written */

/* --- supervisor_consoles.c --- */
void sup_consoles_init(struct supervisor *s);
/* Those that are not connected. */
void sup_connect_consoles(struct supervisor *s);
void sup_consoles_tick(struct supervisor *s);

/* --- supervisor_agent.c: the guest's agent --- */
void sup_agent_connect(struct supervisor *s);
void sup_agent_detach(struct supervisor *s);
void sup_agent_fini(struct supervisor *s);
void sup_agent_tick(struct supervisor *s);
void sup_agent_look(struct supervisor *s); /* asks QEMU whether the guest has the port open */
void sup_agent_port(struct supervisor *s, struct json_object *vserport_change);
/* Can it be asked now? The sentence says why not, in virsh's words where virsh has them. */
int sup_agent_check(const struct supervisor *s, struct err *err);
/* Asks the agent for mode "powerdown", "reboot" or "halt". 0: done(arg, …) is called once, not from inside: err NULL when the
 * agent was there and took it without a complaint (it gives no answer), within AGENT_COMMAND_MS. -1: done is not called. */
int sup_agent_shutdown(struct supervisor *s, const char *mode,
    void (*done)(void *arg, const struct err *err), void *arg, struct err *err);
/* supervisor_shutdown.c */
void sup_ctl_shutdown_agent(void *arg, struct json_object *params, struct control_req *r);
void sup_ctl_agent(void *arg, struct json_object *params, struct control_req *r);
void sup_ctl_agent_info(void *arg, struct json_object *params, struct control_req *r);

/* --- supervisor_passwords.c --- */
/* Before the guest runs. */
void sup_expire_passwords(struct supervisor *s);

/* --- supervisor_ops.c: what the machine and the control socket call --- */
extern const struct machine_ops sup_machine_ops;
extern const struct control_ops sup_control_ops;
extern const struct hub_ops sup_hub_ops;
extern const struct companion_ops sup_companion_ops;
void sup_publish(struct supervisor *s);
/* To subscribers and into the journal; detail may be NULL, data (taken) too. */
void sup_tell(
    struct supervisor *s, const char *event, const char *detail, struct json_object *data);

/* The same of what a guest can cause as often as it likes: subscribers hear all of it, the audit log a part. */
void sup_tell_rated(struct supervisor *s, struct rate *r, const char *event, const char *detail,
    struct json_object *data);
bool sup_may_tell(struct supervisor *s, struct rate *r, const char *what);

/* --- supervisor_words.c: what happened, in words --- */
void sup_describe_death(struct supervisor *s);
/* QMP's GUEST_PANICKED; data may be NULL. */
void sup_describe_panic(struct supervisor *s, struct json_object *data);
/* QMP's BLOCK_IO_ERROR: told, and kept as what the guest was stopped for. */
void sup_io_error(struct supervisor *s, struct json_object *data);
/* Of block jobs and thresholds. */
void sup_block_event(struct supervisor *s, const char *name, struct json_object *data);
/* Found stopped for a disk error that nobody heard of: QMP's query-block says which. */
void sup_find_io_error(struct supervisor *s);

/* --- supervisor_hooks.c --- */
/* true: hooks prepare it, or a TPM's keys are made, and QEMU is made afterwards; a failure comes back as EV_DIED. false:
 * there is nothing to wait for. */
bool sup_prepare(struct supervisor *s);
/* Ends that; EV_DIED comes. false: nothing is being prepared. */
bool sup_prepare_abort(struct supervisor *s);
void sup_hooks_started(struct supervisor *s);
bool sup_release(struct supervisor *s); /* ops->release */

/* --- supervisor_companions.c --- */
/* A TPM that is new: 1, and done(s, …) is called when swtpm_setup has ended; sup_keys_keep then. 0: there is none. */
int sup_keys_make(
    struct supervisor *s, const struct domain *d, companion_done_fn *done, struct err *err);
int sup_keys_keep(struct supervisor *s, const struct domain *d, struct err *err);

/* --- supervisor_dump.c: the guest's memory into a file --- */
void sup_dump(struct supervisor *s);                                     /* ops->dump */
void sup_dump_completed(struct supervisor *s, struct json_object *data); /* QMP's DUMP_COMPLETED */
void sup_dump_tick(struct supervisor *s);
void sup_growth_tick(struct supervisor *s);   /* supervisor_growth.c */
void sup_schedule_tick(struct supervisor *s); /* supervisor_schedule.c */
void sup_count_snapshots(struct supervisor *s);
void sup_dump_abandon(struct supervisor *s); /* QEMU is gone */

/* --- supervisor_restore.c: a start from a saved machine or a snapshot --- */
/* Is there a wish for one, or a managed save? Leaves s->restore NULL: no. */
int sup_restore_find(struct supervisor *s, bool throwaway, struct err *err);
/* The document to start with, in place of the definition; tells the machine. */
int sup_restore_domain(struct supervisor *s, struct domain *d, struct err *err);
bool sup_restore_is_stream(const struct supervisor *s); /* QEMU is to wait for one */
void sup_restore(struct supervisor *s);                 /* ops->restore */
void sup_restore_started(struct supervisor *s);         /* the guest runs: the wish is fulfilled */
void sup_restore_ended(struct supervisor *s);
/* QEMU is gone, s->detail says how: was it because of what it was to load? */
void sup_restore_describe(struct supervisor *s);
void sup_restore_tick(struct supervisor *s);
void sup_restore_event(struct supervisor *s, const char *event, struct json_object *data);
void sup_restore_free(struct supervisor *s);
/* --- supervisor_balloon.c: its size by itself --- */
void sup_balloon_tick(struct supervisor *s);
void sup_balloon_free(struct supervisor *s);

/* --- supervisor_plugged.c: vCPUs and memory that were plugged, in the page --- */
void sup_plugged_look(struct supervisor *s); /* now */
void sup_plugged_tick(struct supervisor *s);
/* QEMU's; "guest-set": the agent was told to use other CPUs or memory */
void sup_plugged_event(struct supervisor *s, const char *event);
void sup_plugged_free(struct supervisor *s);

/* --- supervisor_adopt.c --- */
enum sup_found { SUP_NOTHING, SUP_ORPHAN, SUP_UNSETTLED };
enum sup_found sup_look(struct supervisor *s);
void sup_adopt(struct supervisor *s, enum sup_found found);

#endif
