/* Graphics, video cards and input devices onto the command line. */
#include "kvm/argv_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "core/mem.h"
#include "core/str.h"

int build_graphics(struct builder *b)
{
	const struct domain *d = b->d;
	struct buf value = BUF_INIT;
	if (d->n_graphics == 0)
		return 0;
	CLEANUP_FREE char *path = xstrdup0(d->graphics[0].socket);
	if (path == NULL && b->in->run_dir_fd > 0)
		path = xasprintf("/proc/self/fd/%d/vnc.sock", b->in->run_dir_fd);
	else if (path == NULL)
		path = xasprintf("%s/vnc.sock", b->in->run_dir);
	if (strlen(path) >= sizeof((struct sockaddr_un *)0)->sun_path)
		return build_unsupported(b, "graphics", d->graphics[0].line,
		    "the socket's path '%s' has %zu bytes, at most 107", path, strlen(path));
	CLEANUP_FREE char *display = xasprintf("unix:%s", path);
	build_key(&value, "vnc", display);
	buf_consume(&value, 1);
	build_take(b, "-vnc", &value);
	return 0;
}

int build_video(struct builder *b)
{
	static const char *const names[][2] = {
	    {"vga", "VGA"},
	    {"cirrus", "cirrus-vga"},
	    {"virtio", "virtio-vga"},
	    {"qxl", "qxl-vga"},
	    {"bochs", "bochs-display"},
	    {"vmvga", "vmware-svga"},
	};
	const struct domain_video *v = &b->d->video;
	struct buf value = BUF_INIT;
	build_addf(b, "-vga", "none");
	for (size_t i = 0; v->model != NULL && i < ARRAY_LEN(names); i++)
		if (strcmp(names[i][0], v->model) == 0)
			buf_addf(&value, "%s,id=video0", names[i][1]);
	if (value.len == 0)
		return 0; /* none */
	unsigned vgamem = strcmp(v->model, "qxl") == 0 ? v->vgamem : v->vram;
	if (strcmp(v->model, "qxl") == 0 && v->ram > 0)
		buf_addf(&value, ",ram_size=%llu", (unsigned long long)v->ram * 1024);
	if (strcmp(v->model, "qxl") == 0 && v->vram > 0)
		buf_addf(&value, ",vram_size=%llu", (unsigned long long)v->vram * 1024);
	if (vgamem >= 1024 && (strcmp(v->model, "qxl") == 0 || strcmp(v->model, "vga") == 0 ||
	                          strcmp(v->model, "vmvga") == 0))
		buf_addf(&value, ",vgamem_mb=%u", vgamem / 1024);
	build_address(b, &value, &v->address);
	return build_device(b, "video", v->line, &value);
}

int build_inputs(struct builder *b)
{
	static const char *const names[] = {
	    [INPUT_MOUSE] = "mouse", [INPUT_KEYBOARD] = "keyboard", [INPUT_TABLET] = "tablet"};
	for (size_t i = 0; i < b->d->n_inputs; i++) {
		const struct domain_input *in = &b->d->inputs[i];
		struct buf value = BUF_INIT;
		if (in->bus == INPUT_PS2)
			continue; /* every PC has them */
		if (in->bus == INPUT_VIRTIO)
			buf_addf(&value, "virtio-%s-pci", names[in->type]);
		else
			buf_addf(
			    &value, "usb-%s", in->type == INPUT_KEYBOARD ? "kbd" : names[in->type]);
		buf_addf(&value, ",id=input%zu%s", i, in->bus == INPUT_USB ? ",bus=usb.0" : "");
		if (in->bus == INPUT_VIRTIO)
			build_address(b, &value, &in->address);
		if (build_device(b, "input", in->line, &value) < 0)
			return -1;
	}
	return 0;
}
