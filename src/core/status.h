/* status: the page of facts that each supervisor publishes as run/NAME/status: a fixed layout, one
 * writer, any number of readers without a lock (sequence counter), no round trip. It stays when the
 * VM has ended: the last word on it.
 *
 * Layout is host-endian and host-local (it never leaves the machine). A reader checks magic,
 * version and size first. All text is NUL-terminated UTF-8; what came from a guest was made
 * printable by the writer. */
#ifndef CORE_STATUS_H
#define CORE_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/err.h"

#define STATUS_MAGIC 0x58554d5648ull /* "HVMUX" */
#define STATUS_VERSION 5
#define STATUS_VCPUS_MAX 64 /* vCPUs with figures of their own; more are in the process's total */
#define STATUS_DISKS_MAX 32
#define STATUS_NETS_MAX 16
#define STATUS_CONSOLES_MAX 8
#define STATUS_SECONDS 600  /* history by the second: 10 minutes */
#define STATUS_MINUTES 1440 /* history by the minute: 24 hours */
#define STATUS_LINE_MAX 160 /* last console line, bytes with the NUL */
#define STATUS_TEXT_MAX 256
#define STATUS_NAME_MAX 208 /* NAME_MAX_BYTES of core/str.h and the NUL */

/* The states that virsh's users know. Order and numbers are part of the page. */
enum vm_state {
	VM_OFF = 0,     /* "shut off" */
	VM_STARTING,    /* QEMU is being started: "starting" */
	VM_RUNNING,     /* "running" */
	VM_PAUSED,      /* "paused" */
	VM_SHUTDOWN,    /* the guest was asked to, or does, power off: "in shutdown" */
	VM_CRASHED,     /* ended (or kept: see qemu_pid) by a fault: "crashed" */
	VM_PMSUSPENDED, /* "pmsuspended" */
	VM_STOPPING,    /* QEMU is being ended by us: "stopping" (virsh has no word: shown as "in
	                   shutdown" there) */
	VM_STATE_COUNT
};
/* virsh's word for it: "shut off", "running", "paused", "in shutdown", "crashed", "pmsuspended";
 * never NULL. */
const char *vm_state_name(enum vm_state s);
/* Does a QEMU process exist (or is one being made) in this state? A crashed one may be kept: ask
 * the pid too. */
bool vm_state_live(enum vm_state s);

/* Why the state is what it is: virsh domstate --reason's words. */
enum vm_reason {
	VM_REASON_UNKNOWN = 0,    /* "unknown" */
	VM_REASON_BOOTED,         /* running: "booted" */
	VM_REASON_USER,           /* paused by an operator: "user" */
	VM_REASON_UNPAUSED,       /* running again: "unpaused" */
	VM_REASON_STARTED_PAUSED, /* "starting up" */
	VM_REASON_SHUTDOWN,       /* off: the guest powered off: "shutdown" */
	VM_REASON_DESTROYED,      /* off: an operator ended it: "destroyed" */
	VM_REASON_CRASHED,        /* QEMU died: "crashed" */
	VM_REASON_PANICKED,       /* the guest panicked: "panicked" */
	VM_REASON_FAILED,         /* QEMU did not start: "failed" */
	VM_REASON_IOERROR,        /* paused on a disk error: "I/O error" */
	VM_REASON_WATCHDOG,       /* "watchdog" */
	VM_REASON_INTERNAL,       /* QEMU's internal-error: "internal error" */
	VM_REASON_LOST, /* gone while nobody watched (host reset, supervisor killed too): "lost" */
	VM_REASON_SAVING,        /* paused: its memory is being written: "save" */
	VM_REASON_SNAPSHOT,      /* paused: a snapshot is being made: "snapshot" */
	VM_REASON_RESTORED,      /* running: "restored" */
	VM_REASON_FROM_SNAPSHOT, /* running or off: set back to one: "from snapshot" */
	VM_REASON_SAVED,         /* off: "saved" */
	VM_REASON_COUNT
};
const char *vm_reason_name(enum vm_reason r);

/* The guest's agent. */
enum status_agent {
	STATUS_AGENT_NONE = 0, /* the domain has no channel for one */
	STATUS_AGENT_ABSENT,   /* it has, but no agent answers */
	STATUS_AGENT_READY,
	STATUS_AGENT_FROZEN, /* ready, and the file systems are frozen */
};

struct status_disk {
	char target[16]; /* "vda" */
	uint64_t rd_bytes, wr_bytes, rd_ops, wr_ops, fl_ops;
	uint64_t rd_ns, wr_ns, fl_ns;             /* total time */
	uint64_t rd_failed, wr_failed, fl_failed; /* requests that ended in an error */
	uint64_t capacity, allocation, physical;  /* bytes, 0 unknown */
	char path[STATUS_TEXT_MAX];
};

struct status_net {
	char target[16]; /* host side name, "" for user networking */
	char mac[18];
	uint8_t known; /* counters known: QEMU's user networking has none */
	uint8_t pad_[5];
	uint64_t rx_bytes, rx_pkts, tx_bytes, tx_pkts; /* as the guest sees them */
};

/* What a console is to the guest. Its name is the kind's word and the number among its kind: "serial1", "hvc0". */
enum status_port {
	STATUS_PORT_SERIAL = 0, /* isa, pl011 and the like */
	STATUS_PORT_HVC,        /* virtio console */
	STATUS_PORT_USB,
	STATUS_PORT_PCI,
	STATUS_PORT_DEBUG, /* isa-debugcon */
	STATUS_PORT_COUNT
};
#define STATUS_PORT_NAME_MAX 16
/* "serial", "hvc", "usb", "pci", "debug" */
const char *status_port_word(enum status_port kind);

/* How loud a badge is. */
enum status_badge { STATUS_BADGE_NONE = 0, STATUS_BADGE_INFO, STATUS_BADGE_WARN, STATUS_BADGE_BAD };

struct status_console {
	uint64_t bytes;       /* ever received from the guest */
	uint64_t last_ns;     /* CLOCK_REALTIME of the last byte, 0 none */
	uint32_t clients;     /* attached now */
	uint32_t rows, cols;  /* size that the keyboard holder has, 0 none */
	uint32_t port;        /* enum status_port: what kind of port the guest sees */
	uint32_t port_number; /* among its kind: serial1 is 1 */
	uint32_t pad_;
	uint64_t log_missing; /* bytes that the log could not take since the start */
	char log_trouble[64]; /* why it stands still ("No space left on device"), "" it does not */
	char holder[64];      /* who holds the keyboard ("root@pts/3"), "" nobody */
	char line[STATUS_LINE_MAX]; /* last non-empty line, made printable */
};

/* One sample of history. Rates are over the sample's interval. */
struct status_sample {
	uint32_t cpu_permille;   /* of one CPU: 1000 = one core busy; vCPUs and QEMU's own threads
	                            together */
	uint32_t mem_mib;        /* resident */
	uint32_t rd_kib, wr_kib; /* per second */
	uint32_t rx_kib, tx_kib; /* per second */
};

struct status_page {
	uint64_t magic;
	uint32_t version, size; /* size = sizeof(struct status_page) */
	uint32_t seq;           /* odd while being written; __atomic only */
	uint32_t state, reason; /* enum vm_state, enum vm_reason */
	uint32_t id;            /* virsh's Id: unique per host mode while running, from 1 */
	uint8_t uuid[16];
	char name[STATUS_NAME_MAX];
	char title[STATUS_TEXT_MAX];
	char detail[STATUS_TEXT_MAX *
	            2]; /* why it crashed or failed, in words; QEMU's own last words; "" none */
	/* For show, and as field 22 of /proc/PID/stat; who has to find a process asks core/vm_process.h.
	 * 0 none. */
	int32_t sup_pid, qemu_pid;
	uint64_t sup_start, qemu_start;
	uint64_t started_ns, changed_ns,
	    ended_ns;        /* CLOCK_REALTIME; started: of this run; changed: of the state */
	int32_t exit_status; /* as waitpid gives it; -1 unknown (adopted) */
	uint32_t adoptions;  /* times that a new supervisor took this QEMU over */
	uint64_t
	    beat_ns; /* CLOCK_MONOTONIC of the last sample: a supervisor that hangs is visible */
	uint64_t qmp_wait_ns; /* CLOCK_MONOTONIC since when QMP owes an answer; 0 it does not */
	uint32_t vcpus, vcpus_max;
	uint64_t memory_kib, balloon_kib,
	    rss_kib; /* configured, the balloon's present size (0 unknown), resident */
	uint64_t guest_free_kib, guest_available_kib; /* from the balloon's statistics; 0 unknown */
	uint64_t cpu_ns, user_ns, system_ns;          /* of the QEMU process */
	uint64_t vcpu_ns[STATUS_VCPUS_MAX];
	uint64_t kvm_exits;     /* 0 unknown */
	uint64_t next_start_ns; /* CLOCK_REALTIME of the restart that is waited for; 0 none */
	uint32_t restarts;      /* by policy, since an operator started it */
	uint32_t prepared;      /* its hooks were asked to prepare, and not yet to release */
	uint32_t kvm;           /* 1 KVM, 0 TCG */
	uint32_t persistent, throwaway; /* throwaway: what it writes to its disks is discarded */
	uint32_t disks, nets, consoles;
	/* The last console line that a trigger caught (serial/trigger.h), until it is acknowledged or the VM is started anew. */
	uint32_t badge;         /* enum status_badge */
	uint32_t badge_console; /* consoleN */
	uint32_t badge_count;   /* caught since the badge was last taken away */
	uint32_t pad3_;
	uint64_t badge_ns;                /* CLOCK_REALTIME */
	char badge_name[32];              /* the trigger's: "kernel panic" */
	char badge_line[STATUS_LINE_MAX]; /* the line, printable */
	struct status_disk disk[STATUS_DISKS_MAX];
	struct status_net net[STATUS_NETS_MAX];
	struct status_console console[STATUS_CONSOLES_MAX];
	char address[STATUS_TEXT_MAX]; /* first IP address known, "" none */
	char job[64];                  /* what long work runs, "" none */
	uint64_t job_done, job_total;  /* in its own unit */
	/* Of a plan (kvm/plan.h); all 0 and "" where the job is none. */
	uint64_t job_began_ns;           /* CLOCK_REALTIME */
	uint32_t job_step, job_steps;    /* that goes on, from 1, and how many there are */
	uint32_t job_waiting;            /* requests of others that wait for it */
	uint32_t job_cancel;             /* 1: it can be cancelled (domjobabort) */
	char job_words[STATUS_LINE_MAX]; /* what the step does */
	char job_who[64];                /* who asked: "root(0)" */
	/* What was plugged in and what the guest makes of it. */
	uint32_t vcpus_online;       /* as the guest says; 0 unknown */
	uint32_t dimms;              /* memory devices plugged in */
	uint64_t dimm_kib;           /* … and their size; of virtio-mem what is plugged of it */
	uint64_t dimm_online_kib;    /* that the guest has taken into use, if dimm_told */
	uint32_t balloon_auto;       /* 1: its size follows the host's need */
	uint32_t snapshots;          /* how many there are */
	uint64_t balloon_wanted_kib; /* what it is told to become; 0 nothing */
	uint32_t machine; /* the supervisor's own memory (kvm/machine.h), for the one that adopts */
	uint32_t dimm_told;  /* 1: the guest says what it uses of its memory devices */
	uint8_t boot_id[16]; /* of the host at the start: pids mean nothing after another boot */
	uint32_t agent;      /* enum status_agent */
	uint32_t pad2_;
	char guest_name[64];  /* what the agent says: the guest's own host name, "" unknown */
	char guest_os[128];   /* "Debian GNU/Linux 12 (bookworm)" */
	char guest_users[96]; /* who is logged in: "root, alice" */
	char guest_filesystems[160]; /* how full, the fullest first: "/ 93%, /home 12%" */
	/* Rings: sample k of those ever taken is at k % LEN; *_count is how many were ever taken.
	 */
	uint64_t seconds_count, minutes_count;
	uint64_t seconds_ns; /* CLOCK_REALTIME of the newest second */
	struct status_sample seconds[STATUS_SECONDS];
	struct status_sample minutes[STATUS_MINUTES];
};

/* --- writer: the supervisor, which holds run/NAME/lock --- */
struct status_writer {
	struct status_page *page; /* MAP_SHARED; NULL: not open */
	int depth;
	int fd;
};
/* Opens (keeping a valid page of the same version: adoption) or creates path at its full size. */
int status_writer_open(struct status_writer *w, const char *path, bool keep, struct err *err);
void status_writer_close(struct status_writer *w);
/* Locks the page's file for the writer's life (an open-file-description lock). Only for a supervisor that holds run/NAME/lock:
 * whoever lists many VMs then need not open that file too. */
void status_writer_claim(struct status_writer *w);
/* Changes go between begin and end; they nest; keep them short and do no I/O between them. */
struct status_page *status_begin(struct status_writer *w);
void status_end(struct status_writer *w);

/* --- readers --- */
/* A mapping, read only. ERR_NOT_FOUND, or ERR_INVALID for another version or a short file. */
const struct status_page *status_map(const char *path, struct err *err);
void status_unmap(const struct status_page *p);
/* Everything before the history rings, consistent; 0, or -1 when a writer died half-way (after a
 * bounded number of tries; *out then holds the torn copy). */
#define STATUS_HEAD_SIZE offsetof(struct status_page, seconds)
int status_read_head(const struct status_page *p, struct status_page *out);
/* The same by preads of the file, for lists over many VMs: no mapping. out needs STATUS_HEAD_SIZE bytes. Of the disks
 * only those that there are (disks) are read; what out held behind them stays. */
int status_pread_head(int dirfd, const char *path, struct status_page *out, struct err *err);
/* What stands before the devices: enough for a table of many VMs, a tenth of the head. out needs STATUS_BRIEF_SIZE
 * bytes, and nothing behind them may be looked at. */
#define STATUS_BRIEF_SIZE offsetof(struct status_page, disk)
int status_pread_brief(int dirfd, const char *path, struct status_page *out, struct err *err);
/* Either of the two by a descriptor of the file, which stays the caller's. */
int status_fd_read(int fd, const char *path, bool brief, struct status_page *out, struct err *err);
/* The same, and the newest sample by the second (zeroes when none was taken yet). */
int status_pread_latest(int dirfd, const char *path, struct status_page *out,
    struct status_sample *latest, struct err *err);
/* Copies the last n samples (oldest first, at most STATUS_SECONDS); returns how many there are. */
unsigned status_seconds(const struct status_page *p, struct status_sample *out, unsigned n);
unsigned status_minutes(const struct status_page *p, struct status_sample *out, unsigned n);

/* --- the watch word: run/NAME/watch, 8 bytes, written by front ends that show this VM's live
 * counters --- A supervisor asks QEMU for block and net counters at 1 Hz only while watch_ns is
 * younger than STATUS_WATCH_NS. */
#define STATUS_WATCH_NS 5000000000ull
void status_watch_touch(
    const char *path); /* errors ignored: a spectator without permission sees slower counters */

#endif
