/* Balloon, rng, panic and watchdog onto the command line. */
#include "kvm/argv_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"

int build_balloon(struct builder *b)
{
	struct buf value = BUF_INIT;
	if (!b->d->balloon)
		return 0;
	buf_adds(&value, "virtio-balloon-pci,id=balloon0");
	build_address(b, &value, &b->d->balloon_address);
	return build_device(b, "memballoon", 0, &value);
}

int build_rng(struct builder *b)
{
	const struct domain *d = b->d;
	struct buf value = BUF_INIT;
	if (d->rng == NULL)
		return 0;
	buf_adds(&value, "rng-random,id=objrng0");
	build_key(&value, "filename", d->rng);
	build_take(b, "-object", &value);
	buf_adds(&value, "virtio-rng-pci,rng=objrng0,id=rng0");
	if (d->rng_bytes > 0)
		buf_addf(&value, ",max-bytes=%llu,period=%u", (unsigned long long)d->rng_bytes,
		    d->rng_period);
	build_address(b, &value, &d->rng_address);
	return build_device(b, "rng", 0, &value);
}

int build_panic(struct builder *b)
{
	struct buf value = BUF_INIT;
	if (b->d->panic_model == NULL)
		return 0;
	if (strcmp(b->d->panic_model, "isa") == 0) {
		buf_adds(&value, "pvpanic,id=panic0");
	} else {
		buf_adds(&value, "pvpanic-pci,id=panic0");
		build_address(b, &value, &b->d->panic_address);
	}
	return build_device(b, "panic", 0, &value);
}

int build_watchdog(struct builder *b)
{
	const struct domain *d = b->d;
	struct buf value = BUF_INIT;
	if (d->watchdog_model == NULL)
		return 0;
	bool itco = strcmp(d->watchdog_model, "itco") == 0;
	if (itco && !domain_is_q35(d))
		return build_unsupported(b, "watchdog", 0, "model 'itco' needs machine 'q35'");
	/* A dump is the supervisor's: QEMU only has to stop. */
	bool dump = strcmp(d->watchdog_action, "dump") == 0;
	build_addf(b, "-action", "watchdog=%s", dump ? "pause" : d->watchdog_action);
	if (itco) { /* part of the chip set, disarmed by default */
		build_addf(b, "-global", "ICH9-LPC.noreboot=off");
		return 0;
	}
	buf_adds(&value, "i6300esb,id=watchdog0");
	build_address(b, &value, &d->watchdog_address);
	return build_device(b, "watchdog", 0, &value);
}
