#include "kvm/argv.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "kvm/argv_dev.h"
#include "kvm/secret.h"

/* --- pieces --- */
void build_add(struct builder *b, const char *word)
{
	struct argv_out *out = b->out;
	out->argv = xreallocarray(out->argv, out->argc + 2, sizeof *out->argv);
	out->argv[out->argc++] = xstrdup(word);
	out->argv[out->argc] = NULL;
}

void build_addf(struct builder *b, const char *option, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	CLEANUP_FREE char *value = xvasprintf(fmt, ap);
	va_end(ap);
	build_add(b, option);
	build_add(b, value);
}

/* --- <qemu:override> --- */
/* Where the next property of a -device begins; a comma in a value is written twice. */
static const char *property_end(const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s != ',')
			continue;
		if (s[1] != ',')
			break;
		s++;
	}
	return s;
}

static bool property_is(const char *s, const char *end, const char *name)
{
	size_t n = strlen(name);
	return (size_t)(end - s) > n && memcmp(s, name, n) == 0 && s[n] == '=';
}

/* text with one property set or, with value NULL, without it. */
static char *set_property(const char *text, const struct qemu_property *o)
{
	struct buf out = BUF_INIT;
	for (const char *s = text, *end; *s != '\0'; s = *end == ',' ? end + 1 : end) {
		end = property_end(s);
		if (property_is(s, end, o->name))
			continue;
		if (out.len > 0)
			buf_addc(&out, ',');
		buf_add(&out, s, (size_t)(end - s));
	}
	if (o->value != NULL)
		build_key(&out, o->name, o->value);
	return buf_take(&out);
}

static bool has_id(const char *text, const char *id)
{
	for (const char *s = text, *end; *s != '\0'; s = *end == ',' ? end + 1 : end) {
		end = property_end(s);
		if (property_is(s, end, "id"))
			return (size_t)(end - s) == strlen("id=") + strlen(id) &&
			       memcmp(s + strlen("id="), id, strlen(id)) == 0;
	}
	return false;
}

static char *apply_overrides(const struct builder *b, char *text)
{
	for (size_t i = 0; i < b->d->qemu.n_overrides; i++) {
		const struct qemu_property *o = &b->d->qemu.overrides[i];
		if (!has_id(text, o->alias))
			continue;
		char *changed = set_property(text, o);
		free(text);
		text = changed;
	}
	return text;
}

void build_env(struct builder *b, const char *fmt, ...)
{
	struct argv_out *out = b->out;
	va_list ap;
	va_start(ap, fmt);
	out->env = xreallocarray(out->env, out->n_env + 2, sizeof *out->env);
	out->env[out->n_env++] = xvasprintf(fmt, ap);
	out->env[out->n_env] = NULL;
	va_end(ap);
}

void build_take(struct builder *b, const char *option, struct buf *value)
{
	char *taken = buf_take(value);
	CLEANUP_FREE char *text =
	    strcmp(option, "-device") == 0 ? apply_overrides(b, taken) : taken;
	build_add(b, option);
	build_add(b, text);
}

void build_key(struct buf *value, const char *key, const char *text)
{
	buf_addf(value, ",%s=", key);
	for (; *text != '\0'; text++) {
		if (*text == ',')
			buf_addc(value, ',');
		buf_addc(value, *text);
	}
}

int build_unsupported(struct builder *b, const char *element, unsigned line, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	CLEANUP_FREE char *words = xvasprintf(fmt, ap);
	va_end(ap);
	char at[32] = "";
	if (line > 0)
		snprintf(at, sizeof at, " (line %u)", line);
	return err_set(
	    b->err, ERR_UNSUPPORTED, "domain '%s': <%s>%s: %s", b->d->name, element, at, words);
}

int build_need(struct builder *b, const char *element, unsigned line, const char *device)
{
	if (caps_has_device(b->c, device))
		return 0;
	return build_unsupported(b, element, line, "%s (version %u.%u.%u) has no device '%s'",
	    b->c->binary, b->c->version / 10000, b->c->version / 100 % 100, b->c->version % 100,
	    device);
}

/* The next descriptor that the supervisor hands over; its number in QEMU, 0 without descriptors. */
static int add_socket(
    struct builder *b, enum argv_socket_kind kind, unsigned index, const char *file)
{
	struct argv_out *out = b->out;
	int fd = b->in->fd_first > 0 ? b->in->fd_first + (int)out->n_sockets : 0;
	out->sockets = xreallocarray(out->sockets, out->n_sockets + 1, sizeof *out->sockets);
	struct argv_socket *s = &out->sockets[out->n_sockets++];
	*s = (struct argv_socket){.kind = kind, .index = index};
	snprintf(s->file, sizeof s->file, "%s", file);
	return fd;
}

int build_fd(struct builder *b, enum argv_socket_kind kind, unsigned index)
{
	return add_socket(b, kind, index, "");
}

static void chardev_socket(struct builder *b, struct buf *value, const char *id,
    enum argv_socket_kind kind, unsigned index, const char *file)
{
	int fd = add_socket(b, kind, index, file);
	buf_addf(value, "socket,id=%s", id);
	if (fd > 0) {
		buf_addf(value, ",fd=%d", fd);
	} else {
		CLEANUP_FREE char *path = xasprintf("%s/%s", b->in->run_dir, file);
		build_key(value, "path", path);
	}
}

void build_chardev(struct builder *b, struct buf *value, const char *id, enum argv_socket_kind kind,
    unsigned index, const char *file)
{
	chardev_socket(b, value, id, kind, index, file);
	buf_adds(value, ",server=on,wait=off");
}

void build_chardev_companion(struct builder *b, struct buf *value, const char *id,
    enum argv_socket_kind kind, unsigned index, const char *file)
{
	chardev_socket(b, value, id, kind, index, file);
}

static void add_secret(struct builder *b, const char *id, const char *text, const char *more)
{
	int fd = add_socket(b, ARGV_SECRET, 0, id);
	b->out->sockets[b->out->n_sockets - 1].secret = xstrdup(text);
	if (fd > 0)
		build_addf(b, "-object", "secret,id=%s,file=/proc/self/fd/%d%s", id, fd, more);
	else
		build_addf(b, "-object", "secret,id=%s,file=%s.secret%s", id, id, more);
}

void build_secret(struct builder *b, const char *id, const char *text)
{
	add_secret(b, id, text, "");
}

void build_secret_base64(struct builder *b, const char *id, const char *base64)
{
	add_secret(b, id, base64, ",format=base64");
}

void build_uuid(struct buf *value, const unsigned char uuid[16])
{
	for (unsigned i = 0; i < 16; i++)
		buf_addf(
		    value, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", uuid[i]);
}

/* --- the parts in their order --- */
static void build_name(struct builder *b)
{
	struct buf value = BUF_INIT;
	if (b->in->incoming)
		build_addf(b, "-incoming", "defer");
	build_add(b, "-S"); /* everything is connected before the guest's first instruction */
	build_add(b, "-nodefaults");
	build_add(b, "-no-user-config");
	build_key(&value, "guest", b->d->name);
	buf_consume(&value, 1);
	buf_adds(&value, ",debug-threads=on");
	build_take(b, "-name", &value);
	if (!b->d->has_uuid && !b->d->has_hwuuid)
		return;
	build_uuid(&value, b->d->has_hwuuid ? b->d->hwuuid : b->d->uuid);
	build_take(b, "-uuid", &value);
}

static void build_monitor(struct builder *b)
{
	struct buf value = BUF_INIT;
	build_chardev(b, &value, "charmonitor", ARGV_SOCKET_QMP, 0, "qmp.sock");
	build_take(b, "-chardev", &value);
	build_addf(b, "-mon", "chardev=charmonitor,id=monitor,mode=control");
}

static void build_kernel(struct builder *b)
{
	const struct domain *d = b->d;
	if (d->kernel == NULL)
		return;
	build_addf(b, "-kernel", "%s", d->kernel);
	if (d->initrd != NULL)
		build_addf(b, "-initrd", "%s", d->initrd);
	if (d->cmdline != NULL)
		build_addf(b, "-append", "%s", d->cmdline);
}

/* Words of the document's own stand last, and QEMU would make one filter of both. */
static bool has_own_sandbox(const struct domain *d)
{
	for (size_t i = 0; i < d->qemu.n_args; i++)
		if (strcmp(d->qemu.args[i], "-sandbox") == 0)
			return true;
	return false;
}

static void build_end(struct builder *b)
{
	const struct domain *d = b->d;
	if (b->c->sandbox && !b->in->no_sandbox && !has_own_sandbox(d))
		build_addf(b, "-sandbox",
		    "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
	build_addf(b, "-msg", "timestamp=on");
	for (size_t i = 0; i < d->qemu.n_args; i++)
		build_add(b, d->qemu.args[i]);
	if (d->clock.timezone != NULL)
		build_env(b, "TZ=%s", d->clock.timezone);
	for (size_t i = 0; i < d->qemu.n_env; i++)
		build_env(b, "%s", d->qemu.env[i]);
}

int argv_build(const struct domain *d, const struct caps *c, const struct argv_in *in,
    struct argv_out *out, struct err *err)
{
	*out = (struct argv_out){0};
	struct builder b = {.d = d, .c = c, .in = in, .out = out, .err = err};
	build_add(&b, c->binary);
	build_name(&b);
	int rc = build_machine(&b);
	if (rc == 0)
		rc = build_cpu(&b);
	if (rc == 0) {
		build_kernel(&b);
		build_monitor(&b);
		rc = build_devices(&b);
	}
	if (rc == 0)
		build_end(&b);
	out->notes = b.notes.len > 0 ? buf_take(&b.notes) : NULL;
	buf_fini(&b.notes);
	if (rc < 0)
		argv_fini(out);
	return rc;
}

void argv_fini(struct argv_out *out)
{
	for (size_t i = 0; i < out->argc; i++)
		free(out->argv[i]);
	for (size_t i = 0; i < out->n_env; i++)
		free(out->env[i]);
	for (size_t i = 0; i < out->n_sockets; i++)
		secret_free(out->sockets[i].secret);
	free(out->argv);
	free(out->env);
	free(out->sockets);
	free(out->notes);
	*out = (struct argv_out){0};
}

/* --- for people and shells --- */
static void add_quoted(struct buf *out, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	                            "_-+=./:,@%";
	if (word[0] != '\0' && word[strspn(word, plain)] == '\0') {
		buf_adds(out, word);
		return;
	}
	buf_addc(out, '\'');
	for (; *word != '\0'; word++) {
		if (*word == '\'')
			buf_adds(out, "'\\''");
		else
			buf_addc(out, *word);
	}
	buf_addc(out, '\'');
}

char *argv_shell(const struct argv_out *out)
{
	struct buf text = BUF_INIT;
	for (size_t i = 0; i < out->n_env; i++) {
		size_t name = strcspn(out->env[i], "=");
		buf_add(&text, out->env[i], name);
		buf_addc(&text, '=');
		add_quoted(&text, out->env[i] + name + 1);
		buf_adds(&text, " \\\n");
	}
	for (size_t i = 0; i < out->argc; i++) {
		if (i > 0)
			buf_adds(&text, out->argv[i][0] == '-' ? " \\\n" : " ");
		add_quoted(&text, out->argv[i]);
	}
	buf_addc(&text, '\n');
	return buf_take(&text);
}
