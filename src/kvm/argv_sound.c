/* Sound cards and where their sound goes onto the command line. */
#include "kvm/argv_dev.h"

#include <string.h>

#include "core/mem.h"
#include "core/str.h"

/* --- <audio> --- */
static const struct {
	const char *type, *driver;
} drivers[] = {{"none", "none"}, {"alsa", "alsa"}, {"jack", "jack"}, {"oss", "oss"},
    {"pulseaudio", "pa"}, {"pipewire", "pipewire"}, {"sdl", "sdl"}, {"spice", "spice"},
    {"file", "wav"}, {"dbus", "dbus"}};

/* One direction: <input> is QEMU's in, <output> its out. */
static void add_side(
    struct buf *value, const struct domain_attrs *a, const char *side, const char *prefix)
{
	static const struct dev_key keys[] = {
	    {"@mixingEngine", "mixing-engine"},
	    {"@fixedSettings", "fixed-settings"},
	    {"/settings@frequency", "frequency"},
	    {"/settings@channels", "channels"},
	    {"/settings@format", "format"},
	    {"@voices", "voices"},
	    {"@bufferLength", "buffer-length"},
	    {"@dev", "dev"},
	    {"@bufferCount", "buffer-count"},
	    {"@tryPoll", "try-poll"},
	    {"@serverName", "server-name"},
	    {"@clientName", "client-name"},
	    {"@connectPorts", "connect-ports"},
	    {"@exactName", "exact-name"},
	    {"@name", "name"},
	    {"@streamName", "stream-name"},
	    {"@latency", "latency"},
	};
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		CLEANUP_FREE char *attr = xasprintf("%s%s", side, keys[i].attr);
		CLEANUP_FREE char *key = xasprintf("%s.%s", prefix, keys[i].key);
		const struct dev_key one = {attr, key};
		build_keys(value, a, &one, 1);
	}
}

int build_audio(struct builder *b, const struct domain_dev *dev)
{
	static const struct dev_key keys[] = {
	    {"@timerPeriod", "timer-period"},
	    {"@tryMMap", "try-mmap"},
	    {"@exclusive", "exclusive"},
	    {"@dspPolicy", "dsp-policy"},
	    {"@serverName", "server"},
	};
	const struct domain_attrs *a = &dev->attrs;
	const char *driver = "none", *type = attrs_get(a, "@type");
	struct buf value = BUF_INIT;
	for (size_t i = 0; i < ARRAY_LEN(drivers); i++)
		if (str_eq(drivers[i].type, type))
			driver = drivers[i].driver;
	buf_addf(&value, "driver=%s,id=audio%s", driver, attrs_get(a, "@id"));
	build_keys(&value, a, keys, ARRAY_LEN(keys));
	const char *path = attrs_get(a, "@path");
	if (path != NULL) {
		/* No path depends on where a program was started. */
		CLEANUP_FREE char *full = xasprintf("%s/%s", b->in->log_dir, path);
		build_key(&value, "path", path[0] == '/' ? path : full);
	}
	add_side(&value, a, "input", "in");
	add_side(&value, a, "output", "out");
	build_take(b, "-audiodev", &value);
	if (str_eq(type, "sdl") && attrs_has(a, "@driver"))
		build_env(b, "SDL_AUDIODRIVER=%s", attrs_get(a, "@driver"));
	return 0;
}

void build_audio_key(struct builder *b, const struct domain_attrs *a, struct buf *value)
{
	const struct domain_dev *audio = domain_audio(b->d, attrs_number(a, "audio@id", 0));
	if (audio != NULL)
		buf_addf(value, ",audiodev=audio%s", attrs_get(&audio->attrs, "@id"));
	else if (domain_dev_find(b->d, DEV_SOUND) != NULL)
		buf_adds(value, ",audiodev=audio1");
}

/* Without an <audio> QEMU would try the host's sound system by itself: to the SPICE client it goes,
 * or nowhere. */
int build_audio_default(struct builder *b)
{
	bool spice = false;
	for (size_t i = 0; i < b->d->n_devs; i++)
		spice = spice || (b->d->devs[i].kind == DEV_GRAPHICS &&
		                     attrs_is(&b->d->devs[i].attrs, "@type", "spice"));
	if (domain_dev_find(b->d, DEV_SOUND) != NULL && domain_dev_find(b->d, DEV_AUDIO) == NULL)
		build_addf(b, "-audiodev", "driver=%s,id=audio1", spice ? "spice" : "none");
	return 0;
}

/* The speaker is the machine's own. */
void build_pcspk(struct builder *b, struct buf *machine)
{
	for (size_t i = 0; i < b->d->n_devs; i++)
		if (b->d->devs[i].kind == DEV_SOUND &&
		    attrs_is(&b->d->devs[i].attrs, "@model", "pcspk")) {
			buf_adds(machine, ",pcspk-audiodev=");
			CLEANUP_BUF struct buf value = BUF_INIT;
			build_audio_key(b, &b->d->devs[i].attrs, &value);
			buf_adds(machine, value.data + strlen(",audiodev="));
			return;
		}
}

/* --- <sound> --- */
static int build_codecs(struct builder *b, const struct domain_dev *dev, const char *id)
{
	const struct domain_attrs *a = &dev->attrs;
	for (unsigned i = 0; i < 16; i++) {
		CLEANUP_FREE char *name =
		    i == 0 ? xstrdup("codec@type") : xasprintf("codec[%u]@type", i);
		const char *type = attrs_get(a, name);
		if (type == NULL && i > 0)
			return 0;
		struct buf value = BUF_INIT;
		buf_addf(&value, "hda-%s,id=%s-codec%u,bus=%s.0,cad=%u",
		    type != NULL ? type : "duplex", id, i, id, i);
		build_audio_key(b, a, &value);
		if (build_device(b, "sound", dev->line, &value) < 0)
			return -1;
	}
	return 0;
}

int build_sound(struct builder *b, const struct domain_dev *dev)
{
	static const struct {
		const char *model, *device;
	} cards[] = {{"ac97", "AC97"}, {"es1370", "ES1370"}, {"sb16", "sb16"}, {"usb", "usb-audio"},
	    {"ich6", "intel-hda"}, {"ich9", "ich9-intel-hda"}};
	const struct domain_attrs *a = &dev->attrs;
	const char *model = attrs_get(a, "@model");
	CLEANUP_FREE char *id = build_id(a, "sound%u", dev->index);
	struct buf value = BUF_INIT;
	if (str_eq(model, "pcspk"))
		return 0; /* build_pcspk */
	for (size_t i = 0; i < ARRAY_LEN(cards); i++)
		if (str_eq(cards[i].model, model))
			buf_addf(&value, "%s,id=%s", cards[i].device, id);
	bool hda = str_prefix(model, "ich");
	if (!hda)
		build_audio_key(b, a, &value);
	if (strcmp(model, "usb") == 0 && attrs_has(a, "@multichannel"))
		build_switch(&value, "multi", attrs_switch(a, "@multichannel"));
	if (build_dev(b, &value, dev) < 0)
		return -1;
	return hda ? build_codecs(b, dev, id) : 0;
}
