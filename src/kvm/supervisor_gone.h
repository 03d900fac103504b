/* supervisor_gone: devices that QEMU lets go of outside of a plan: the guest released one after nobody waited any more, or threw it out by itself, or
 * did so while there was no supervisor. What such a device leaves is put away by a plan of the supervisor's own (the verb "device-gone"), so that
 * the live document says the truth.
 *
 * run/NAME/leaving: the ids of devices that a guest was asked to let go of, a line each. A new supervisor asks QEMU which of them are gone. */
#ifndef KVM_SUPERVISOR_GONE_H
#define KVM_SUPERVISOR_GONE_H

#include "kvm/supervisor_impl.h"

/* Puts an id into the list (on), or takes it out; ERR_NONE when it was so already. */
int gone_note(const struct home *h, const char *name, const char *alias, bool on, struct err *err);
bool gone_listed(const struct home *h, const char *name, const char *alias);
/* A new QEMU has been asked for nothing. */
void gone_forget(const struct home *h, const char *name);
/* QMP's DEVICE_DELETED that no plan that runs has asked for. */
void sup_gone_event(struct supervisor *s, struct json_object *data);
/* The monitor answers again, or a plan has failed: which of the listed are gone? */
void sup_gone_check(struct supervisor *s);

#endif
