/* table: every verb once: name, options, help. Data only, no code of a verb: dispatch, help,
 * completion, the dashboard's palette and its keys all read it. Verbs' functions are verb_ID(),
 * joined in cli/dispatch.c by the same list. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>

enum opt_kind {
	OPT_FLAG,   /* --all */
	OPT_STRING, /* --name VALUE or --name=VALUE */
	OPT_NUMBER, /* a decimal number, checked by dispatch */
	OPT_DOMAIN, /* positional or --domain NAME: completes to domains */
	OPT_FILE,   /* positional or --file PATH: completes to files */
	OPT_WORD,   /* positional or by name: any other word */
	OPT_REST,   /* all remaining words */
};

struct verb_opt {
	const char *name; /* without dashes; NULL ends the list */
	enum opt_kind kind;
	bool required;     /* a positional that must be there */
	bool many;         /* may be repeated: define *.xml, start a b c */
	const char *value; /* the word in the synopsis: "FILE", "SECONDS"; NULL for flags */
	const char *help;
	char letter;       /* short form, 0 none */
	const char *words; /* the only values allowed, separated by spaces; NULL any */
	bool bare; /* an OPT_STRING that is also taken without its name, behind the positionals, as
	            * virsh does and its guides write: pool-define-as NAME dir - - - - PATH */
};

enum verb_flag {
	VERB_HIDDEN = 1,    /* not in help: supervise */
	VERB_READS = 2,     /* changes nothing: allowed with --readonly */
	VERB_CHANGES = 4,   /* reversible change */
	VERB_DISRUPTS = 8,  /* the dashboard asks first, naming the VM */
	VERB_DELETES = 16,  /* the dashboard asks for the name to be typed */
	VERB_TERMINAL = 32, /* takes over the terminal: console, edit */
	VERB_LIVE = 64,     /* makes sense only for running domains */
	VERB_VIRSH = 128,   /* virsh has it: its text ends with virsh's empty line */
	VERB_SHOWS =
	    256, /* with VERB_CHANGES: given nothing to change it shows, and is allowed with --readonly */
	VERB_TOOL =
	    512, /* works on files alone: every word behind it is its own, and no home is opened */
};

struct verb {
	const char *name;
	const char *family;  /* heading in help: "Domains", "Consoles", … */
	const char *summary; /* one line, lower case, no full stop */
	const char *text;    /* paragraphs for `help VERB` and the man page; NULL none */
	unsigned flags;
	const struct verb_opt *opts;
	const char *losses; /* what will be lost, for the confirmation; NULL nothing */
	const char *alias;  /* another name that is accepted, NULL none */
};

/* X(identifier, name): one line per verb, in the order of help; a list per file table_*.c. */
#define VERBS_DOMAINS(X)                        \
	X(define, "define")                     \
	X(undefine, "undefine")                 \
	X(list, "list")                         \
	X(start, "start")                       \
	X(shutdown, "shutdown")                 \
	X(reboot, "reboot")                     \
	X(reset, "reset")                       \
	X(destroy, "destroy")                   \
	X(suspend, "suspend")                   \
	X(resume, "resume")                     \
	X(dominfo, "dominfo")                   \
	X(domstate, "domstate")                 \
	X(domstats, "domstats")                 \
	X(dumpxml, "dumpxml")                   \
	X(domxml_to_native, "domxml-to-native") \
	X(events, "events")                     \
	X(version, "version")                   \
	X(uri, "uri")                           \
	X(help, "help")                         \
	X(complete, "complete")                 \
	X(supervise, "supervise")
#define VERBS_CONSOLES(X)           \
	X(console, "console")       \
	X(screen, "screen")         \
	X(log, "log")               \
	X(expect, "expect")         \
	X(send_break, "send-break") \
	X(sysrq, "sysrq")           \
	X(record, "record")         \
	X(replay, "replay")         \
	X(wall, "wall")
#define VERBS_TRIGGERS(X) X(trigger, "trigger") X(acknowledge, "acknowledge") X(crashes, "crashes")
#define VERBS_DEFINITIONS(X)        \
	X(edit, "edit")             \
	X(domrename, "domrename")   \
	X(autostart, "autostart")   \
	X(desc, "desc")             \
	X(metadata, "metadata")     \
	X(tag, "tag")               \
	X(untag, "untag")           \
	X(tags, "tags")             \
	X(group, "group")           \
	X(protect, "protect")       \
	X(unprotect, "unprotect")   \
	X(domid, "domid")           \
	X(domname, "domname")       \
	X(domuuid, "domuuid")       \
	X(domblklist, "domblklist") \
	X(domiflist, "domiflist")
#define VERBS_LIVE(X)                                   \
	X(qemu_monitor_command, "qemu-monitor-command") \
	X(qemu_monitor_event, "qemu-monitor-event")     \
	X(inject_nmi, "inject-nmi")                     \
	X(send_key, "send-key")                         \
	X(screenshot, "screenshot")                     \
	X(dump, "dump")                                 \
	X(domdisplay, "domdisplay")                     \
	X(vncdisplay, "vncdisplay")                     \
	X(domblkstat, "domblkstat")                     \
	X(domblkerror, "domblkerror")                   \
	X(domblkinfo, "domblkinfo")                     \
	X(domifstat, "domifstat")                       \
	X(dommemstat, "dommemstat")                     \
	X(vcpuinfo, "vcpuinfo")                         \
	X(vcpucount, "vcpucount")                       \
	X(iothreadinfo, "iothreadinfo")                 \
	X(cpu_stats, "cpu-stats")                       \
	X(vcpupin, "vcpupin")                           \
	X(emulatorpin, "emulatorpin")                   \
	X(iothreadpin, "iothreadpin")                   \
	X(schedinfo, "schedinfo")                       \
	X(domjobinfo, "domjobinfo")
#define VERBS_HOST(X)                         \
	X(hostname, "hostname")               \
	X(nodeinfo, "nodeinfo")               \
	X(nodecpumap, "nodecpumap")           \
	X(nodecpustats, "nodecpustats")       \
	X(nodememstats, "nodememstats")       \
	X(freecell, "freecell")               \
	X(host_validate, "host-validate")     \
	X(kvm_ok, "kvm-ok")                   \
	X(capabilities, "capabilities")       \
	X(domcapabilities, "domcapabilities") \
	X(cpu_models, "cpu-models")           \
	X(osinfo_query, "osinfo-query")
#define VERBS_AGENT(X)                  \
	X(domtime, "domtime")           \
	X(domhostname, "domhostname")   \
	X(domifaddr, "domifaddr")       \
	X(domfsinfo, "domfsinfo")       \
	X(guestinfo, "guestinfo")       \
	X(guestvcpus, "guestvcpus")     \
	X(domfsfreeze, "domfsfreeze")   \
	X(domfsthaw, "domfsthaw")       \
	X(domfstrim, "domfstrim")       \
	X(dompmsuspend, "dompmsuspend") \
	X(dompmwakeup, "dompmwakeup")   \
	X(qemu_agent_command, "qemu-agent-command")
#define VERBS_BOOT(X)                   \
	X(guests_start, "guests-start") \
	X(guests_stop, "guests-stop")
#define VERBS_IMPORT(X)                             \
	X(import, "import")                         \
	X(domxml_from_native, "domxml-from-native") \
	X(adopt, "adopt")
#define VERBS_STORAGE(X) X(img, "img")
#define VERBS_POOLS(X)                      \
	X(pool_list, "pool-list")           \
	X(pool_info, "pool-info")           \
	X(pool_dumpxml, "pool-dumpxml")     \
	X(pool_name, "pool-name")           \
	X(pool_uuid, "pool-uuid")           \
	X(pool_define, "pool-define")       \
	X(pool_define_as, "pool-define-as") \
	X(pool_create, "pool-create")       \
	X(pool_create_as, "pool-create-as") \
	X(pool_edit, "pool-edit")           \
	X(pool_undefine, "pool-undefine")   \
	X(pool_start, "pool-start")         \
	X(pool_destroy, "pool-destroy")     \
	X(pool_autostart, "pool-autostart") \
	X(pool_build, "pool-build")         \
	X(pool_delete, "pool-delete")       \
	X(pool_refresh, "pool-refresh")
#define VERBS_VOLUMES(X)                      \
	X(vol_list, "vol-list")               \
	X(vol_info, "vol-info")               \
	X(vol_dumpxml, "vol-dumpxml")         \
	X(vol_path, "vol-path")               \
	X(vol_name, "vol-name")               \
	X(vol_key, "vol-key")                 \
	X(vol_pool, "vol-pool")               \
	X(vol_create, "vol-create")           \
	X(vol_create_as, "vol-create-as")     \
	X(vol_create_from, "vol-create-from") \
	X(vol_clone, "vol-clone")             \
	X(vol_delete, "vol-delete")           \
	X(vol_undelete, "vol-undelete")       \
	X(vol_trash, "vol-trash")             \
	X(vol_resize, "vol-resize")           \
	X(vol_upload, "vol-upload")           \
	X(vol_download, "vol-download")       \
	X(vol_wipe, "vol-wipe")               \
	X(vol_tree, "vol-tree")               \
	X(vol_orphans, "vol-orphans")

#define VERBS_CLONE(X) X(clone, "clone") X(growth, "growth") X(growth_record, "growth-record")
#define VERBS_JOBS(X)               \
	X(jobs, "jobs")             \
	X(job_info, "job-info")     \
	X(job_start, "job-start")   \
	X(job_cancel, "job-cancel") \
	X(job_run, "job-run")

/* The keys that change a running machine: plans (kvm/plan.h). */
#define VERBS_HOTPLUG(X)                              \
	X(attach_disk, "attach-disk")                 \
	X(detach_disk, "detach-disk")                 \
	X(attach_device, "attach-device")             \
	X(detach_device, "detach-device")             \
	X(detach_device_alias, "detach-device-alias") \
	X(host_devices, "host-devices")               \
	X(attach_host_device, "attach-host-device")
#define VERBS_SIZES(X)                                  \
	X(setvcpus, "setvcpus")                         \
	X(setvcpu, "setvcpu")                           \
	X(setmem, "setmem")                             \
	X(setmaxmem, "setmaxmem")                       \
	X(update_memory_device, "update-memory-device") \
	X(guest_online, "guest-online")
#define VERBS_UPDATE(X)                           \
	X(attach_interface, "attach-interface")   \
	X(detach_interface, "detach-interface")   \
	X(update_device, "update-device")         \
	X(change_media, "change-media")           \
	X(domif_setlink, "domif-setlink")         \
	X(domif_getlink, "domif-getlink")         \
	X(domiftune, "domiftune")                 \
	X(blkdeviotune, "blkdeviotune")           \
	X(set_user_password, "set-user-password") \
	X(pending, "pending")
#define VERBS_SNAPSHOTS(X)                          \
	X(snapshot_create_as, "snapshot-create-as") \
	X(snapshot_create, "snapshot-create")       \
	X(snapshot_list, "snapshot-list")           \
	X(snapshot_info, "snapshot-info")           \
	X(snapshot_dumpxml, "snapshot-dumpxml")     \
	X(snapshot_current, "snapshot-current")     \
	X(snapshot_parent, "snapshot-parent")       \
	X(snapshot_delete, "snapshot-delete")       \
	X(snapshot_revert, "snapshot-revert")       \
	X(snapshot_schedule, "snapshot-schedule")   \
	X(snapshot_edit, "snapshot-edit")
#define VERBS_SAVES(X)                                \
	X(save, "save")                               \
	X(restore, "restore")                         \
	X(managedsave, "managedsave")                 \
	X(managedsave_remove, "managedsave-remove")   \
	X(managedsave_dumpxml, "managedsave-dumpxml") \
	X(managedsave_define, "managedsave-define")   \
	X(managedsave_edit, "managedsave-edit")       \
	X(save_image_dumpxml, "save-image-dumpxml")   \
	X(save_image_define, "save-image-define")     \
	X(save_image_edit, "save-image-edit")
#define VERBS_BLOCKJOBS(X)            \
	X(blockcommit, "blockcommit") \
	X(blockpull, "blockpull")     \
	X(blockcopy, "blockcopy")     \
	X(blockjob, "blockjob")       \
	X(blockresize, "blockresize") \
	X(domblkthreshold, "domblkthreshold")
#define VERBS_PLANS(X) \
	X(domjobabort, "domjobabort") X(plan_show, "plan-show") X(check_live, "check-live")

#define VERB_LIST(X)         \
	VERBS_DOMAINS(X)     \
	VERBS_CONSOLES(X)    \
	VERBS_TRIGGERS(X)    \
	VERBS_DEFINITIONS(X) \
	VERBS_HOST(X)        \
	VERBS_LIVE(X)        \
	VERBS_AGENT(X)       \
	VERBS_BOOT(X)        \
	VERBS_IMPORT(X)      \
	VERBS_STORAGE(X)     \
	VERBS_CLONE(X)       \
	VERBS_POOLS(X)       \
	VERBS_VOLUMES(X)     \
	VERBS_JOBS(X)        \
	VERBS_HOTPLUG(X)     \
	VERBS_SIZES(X)       \
	VERBS_UPDATE(X)      \
	VERBS_SNAPSHOTS(X)   \
	VERBS_SAVES(X)       \
	VERBS_BLOCKJOBS(X)   \
	VERBS_PLANS(X)

#define VERB_ENUM(id, name) VERB_##id,
enum verb_id { VERB_LIST(VERB_ENUM) VERB_COUNT };
#undef VERB_ENUM

#define VERB_DECLARE(id, name) extern const struct verb verb_def_##id;
VERB_LIST(VERB_DECLARE)
#undef VERB_DECLARE
extern const struct verb *const verb_table[VERB_COUNT];
/* Options that every verb takes, before it or after it. */
extern const struct verb_opt global_opts[];

/* By its whole name or alias; NULL none. */
const struct verb *verb_find(const char *name);
/* "start DOMAIN [--paused] [--console]"; on the heap. */
char *verb_synopsis(const struct verb *v);
/* "DOMAIN" positionals and OPT_REST are words without dashes; everything else is --NAME. */
bool opt_positional(const struct verb_opt *o);
bool opt_takes_value(const struct verb_opt *o);
/* By its long name; NULL none. */
const struct verb_opt *opt_find(const struct verb_opt *opts, const char *name, size_t len);

#endif
