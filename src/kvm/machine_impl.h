/* machine_impl: what the files of machine*.c share; for nobody else. */
#ifndef KVM_MACHINE_IMPL_H
#define KVM_MACHINE_IMPL_H

#include "kvm/machine.h"

/* A cell of the table: req is NULL but for requests that somebody waits for. */
typedef void machine_action(struct machine *m, void *req);

/* --- machine.c --- */
void machine_go(struct machine *m, enum machine_state state, enum vm_reason reason);
void machine_tell(struct machine *m, const char *what, const char *why);
void machine_done(struct machine *m, void *req);
/* Ends QEMU; a restart follows where asked for. */
void machine_quit(struct machine *m, enum vm_reason reason, bool restart);
/* There is no QEMU and there will be none. */
void machine_finish(struct machine *m, enum vm_reason reason);
void machine_reset_and_go_on(struct machine *m);

/* --- machine_request.c --- */
machine_action machine_do_suspend;
machine_action machine_done_already;
machine_action machine_do_resume;
machine_action machine_do_wake;
machine_action machine_runs_already;
machine_action machine_do_shutdown;
machine_action machine_do_reboot;
machine_action machine_shut_paused;
machine_action machine_do_destroy;
machine_action machine_destroy_waiting;
machine_action machine_await_end;
machine_action machine_refuse;
machine_action machine_shut_deaf;
machine_action machine_reset_preserved;

#endif
