/* <sound> and <audio>: what the tables cannot say. */
#include "core/domain_impl.h"

#include <string.h>

#include "core/str.h"

int sound_check(struct parse *p, const xmlNode *node, const struct domain_dev *dev)
{
	const char *model = attrs_get(&dev->attrs, "@model");
	if (attrs_has(&dev->attrs, "codec") && model != NULL && !str_prefix(model, "ich"))
		return parse_invalid(
		    p, xml_child(node, "codec"), "only model='ich6' and 'ich9' have codecs");
	return 0;
}

enum seat sound_seat(const struct domain *d, const struct domain_dev *dev)
{
	const char *model = attrs_get(&dev->attrs, "@model");
	(void)d;
	if (str_eq(model, "usb"))
		return SEAT_USB;
	if (str_eq(model, "ich9"))
		return SEAT_HDA;
	return str_eq(model, "sb16") || str_eq(model, "pcspk") ? SEAT_NONE : SEAT_PCI;
}

int audio_check(struct parse *p, const xmlNode *node, const struct domain_dev *dev)
{
	const struct domain *d = p->d;
	uint64_t id = attrs_number(&dev->attrs, "@id", 0);
	for (size_t i = 0; i < d->n_devs; i++)
		if (&d->devs[i] != dev && d->devs[i].kind == DEV_AUDIO &&
		    attrs_number(&d->devs[i].attrs, "@id", 0) == id)
			return parse_invalid(p, node, "id %u is there twice (line %u)",
			    (unsigned)id, d->devs[i].line);
	return 0;
}

const struct domain_dev *domain_audio(const struct domain *d, uint64_t id)
{
	for (size_t i = 0; i < d->n_devs; i++)
		if (d->devs[i].kind == DEV_AUDIO &&
		    (id == 0 || attrs_number(&d->devs[i].attrs, "@id", 0) == id))
			return &d->devs[i];
	return NULL;
}

/* Who names an <audio> names one that is there. */
int audio_check_all(struct parse *p)
{
	for (size_t i = 0; i < p->d->n_devs; i++) {
		const struct domain_dev *dev = &p->d->devs[i];
		uint64_t id = attrs_number(&dev->attrs, "audio@id", 0);
		if (id > 0 && domain_audio(p->d, id) == NULL)
			return invalid_at(p, domain_dev_name(dev->kind), dev->line,
			    "<audio id='%u'>, but there is no such <audio>", (unsigned)id);
	}
	return 0;
}
