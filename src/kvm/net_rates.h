/* net_rates: how much goes over an interface's device on the host, by tc(8): a class on what the guest receives, a policer on what
 * it sends, as <bandwidth> says. */
#ifndef KVM_NET_RATES_H
#define KVM_NET_RATES_H

#include "core/domain_net.h"
#include "core/err.h"

/* "average,peak,burst" of <bandwidth>'s element "inbound" or "outbound", an empty field where nothing is said; "": no limit. On
 * the heap. */
char *net_rates_text(const struct domain_net *net, const char *element);
/* Both directions as the guest sees them; average and peak in kB/s, burst in kB; NULL and "": no limit. ERR_UNSUPPORTED where the
 * kernel has no such classes. Takes a few milliseconds for each. */
int net_rates_set(const char *device, const char *inbound, const char *outbound, struct err *err);

#endif
