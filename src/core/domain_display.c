/* <graphics>, <video> and <input> into struct domain. */
#include "core/domain_impl.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"

#define VIDEO_KIB_MAX (1u << 20)

int graphics_parse(struct parse *p, const xmlNode *node, unsigned element)
{
	CLEANUP_FREE char *type = printable_attr(node, "type");
	const xmlNode *listen = xml_child(node, "listen");
	CLEANUP_FREE char *listen_type = xml_attr(listen, "type");
	if (strcmp(type, "vnc") != 0)
		return parse_refuse(p, node, "type='%s': only 'vnc' is supported", type);
	if (p->d->n_graphics > 0)
		return parse_refuse(p, node, "only one is supported");
	struct domain_graphics *g = DOMAIN_ADD(p->d->graphics, p->d->n_graphics);
	g->line = node_line(node);
	g->element = element;
	g->socket = xml_attr(node, "socket");
	if (g->socket == NULL && str_eq(listen_type, "socket"))
		g->socket = xml_attr(listen, "socket");
	else if (g->socket == NULL)
		parse_warn(p, node,
		    "VNC is served on the socket vnc.sock in the run directory, on no port");
	return parse_path_check(p, node, g->socket);
}

int video_parse(struct parse *p, const xmlNode *node, unsigned element)
{
	const xmlNode *model = xml_child(node, "model");
	struct domain_video *v = &p->d->video;
	enum domain_switch accel3d = SWITCH_ABSENT;
	unsigned heads = 1;
	if (v->model != NULL)
		return parse_refuse(p, node, "only one is supported");
	v->line = node_line(node);
	v->element = element;
	v->model = xml_attr(model, "type");
	if (v->model == NULL)
		v->model = xstrdup("vga");
	static const char *const models[] = {
	    "vga", "cirrus", "virtio", "qxl", "bochs", "vmvga", "none", NULL};
	for (size_t i = 0;; i++) {
		if (models[i] == NULL) {
			CLEANUP_FREE char *s = str_printable(v->model, strlen(v->model), 40);
			int rc = parse_refuse(p, model, "type='%s' is not supported", s);
			free(v->model);
			*v = (struct domain_video){0};
			return rc;
		}
		if (strcmp(models[i], v->model) == 0)
			break;
	}
	if (parse_number(p, model, "ram", VIDEO_KIB_MAX, &v->ram) < 0 ||
	    parse_number(p, model, "vram", VIDEO_KIB_MAX, &v->vram) < 0 ||
	    parse_number(p, model, "vgamem", VIDEO_KIB_MAX, &v->vgamem) < 0 ||
	    parse_number(p, model, "heads", 16, &heads) < 0 ||
	    parse_switch(p, xml_child(model, "acceleration"), "accel3d", &accel3d) < 0 ||
	    parse_address(p, node, ADDRESS_BIT_PCI, &v->address) < 0)
		return -1;
	if (heads > 1 && parse_refuse(p, model, "heads='%u': only one is supported", heads) < 0)
		return -1;
	if (accel3d == SWITCH_ON && parse_refuse(p, model, "accel3d='yes' is not supported") < 0)
		return -1;
	return 0;
}

int input_parse(struct parse *p, const xmlNode *node, unsigned element)
{
	static const char *const types[] = {"mouse", "keyboard", "tablet", NULL};
	static const char *const buses[] = {"ps2", "usb", "virtio", NULL};
	CLEANUP_FREE char *type = printable_attr(node, "type");
	CLEANUP_FREE char *bus = xml_attr(node, "bus");
	int t = 0, b = 0;
	while (types[t] != NULL && strcmp(types[t], type) != 0)
		t++;
	if (types[t] == NULL)
		return parse_refuse(p, node, "type='%s' is not supported", type);
	if (bus == NULL)
		b = t == INPUT_TABLET ? INPUT_USB : INPUT_PS2;
	for (; bus != NULL && strcmp(buses[b], bus) != 0; b++)
		if (buses[b + 1] == NULL)
			return parse_refuse(
			    p, node, "only the buses 'ps2', 'usb' and 'virtio' are supported");
	if (t == INPUT_TABLET && b == INPUT_PS2)
		return parse_invalid(p, node, "there is no PS/2 tablet");
	struct domain_input *in = DOMAIN_ADD(p->d->inputs, p->d->n_inputs);
	*in = (struct domain_input){.type = (enum input_type)t,
	    .bus = (enum input_bus)b,
	    .line = node_line(node),
	    .element = element};
	return parse_address(
	    p, node, ADDRESS_BIT(in->bus == INPUT_USB ? ADDRESS_USB : ADDRESS_PCI), &in->address);
}
