/* qemu-monitor-command, inject-nmi, send-key: commands to QEMU as they are. Ids on the monitor are the supervisor's own, and so
 * are the events that a command causes: whatever is sent here, it goes on knowing its QEMU. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/keynames.h"
#include "cli/live.h"
#include "cli/out.h"
#include "core/buf.h"
#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"

#define KEYS_MAX 16 /* as virsh */
#define HOLD_MAX 600000u

/* --- qemu-monitor-command --- */

/* virsh prints QEMU's refusal as QEMU gave it, and succeeds: the answer has been had. */
static struct json_object *refusal(const char *command, const struct err *err)
{
	struct json_object *o = json_object_new_object(), *e = json_object_new_object();
	CLEANUP_FREE char *ours = xasprintf("QEMU refused '%s': ", command);
	out_add_str(e, "class",
	    err->code == ERR_UNSUPPORTED ? "CommandNotFound"
	    : err->code == ERR_NOT_FOUND ? "DeviceNotFound"
	                                 : "GenericError");
	out_add_str(e, "desc", err->msg + strlen(ours));
	json_object_object_add(o, "error", e);
	return o;
}

static bool refused(const char *command, const struct err *err)
{
	CLEANUP_FREE char *ours = xasprintf("QEMU refused '%s': ", command);
	return str_prefix(err->msg, ours);
}

static int print_json_answer(
    const struct cli *c, struct json_object *answer, struct json_object *id)
{
	struct json_object *value = NULL;
	json_object_object_get_ex(answer, "return", &value);
	if (cli_flag(c, "return-value")) {
		if (!json_object_object_get_ex(answer, "return", NULL)) {
			json_object_put(answer);
			json_object_put(id);
			return -1;
		}
		out_json_foreign(json_object_get(value), cli_flag(c, "pretty"));
		json_object_put(answer);
		json_object_put(id);
		return 0;
	}
	if (id)
		json_object_object_add(answer, "id", id);
	out_json_foreign(answer, cli_flag(c, "pretty"));
	return 0;
}

static int json_command(struct live *l, int fd, struct err *err)
{
	CLEANUP_FREE char *command = NULL;
	struct json_object *args, *id, *result = NULL, *answer;
	if (live_parse_command(l->c, &command, &args, &id, err) < 0)
		return -1;
	if (live_qmp_fd(l, command, args, fd, &result, err) == 0) {
		answer = json_object_new_object();
		json_object_object_add(answer, "return", result);
	} else if (refused(command, err)) {
		answer = refusal(command, err);
	} else {
		json_object_put(id);
		return -1;
	}
	if (print_json_answer(l->c, answer, id) == 0)
		return 0;
	CLEANUP_FREE char *why = xstrdup(err->msg);
	return err_set(err, ERR_FAIL, "the answer has no value to return: %s", why);
}

static int human_command(struct live *l, int fd, struct err *err)
{
	CLEANUP_FREE char *line = live_words(l->c);
	struct json_object *args = json_object_new_object(), *result = NULL;
	json_object_object_add(args, "command-line", json_object_new_string(line));
	if (live_qmp_fd(l, "human-monitor-command", args, fd, &result, err) < 0)
		return -1;
	const char *text =
	    json_object_is_type(result, json_type_string) ? json_object_get_string(result) : "";
	CLEANUP_BUF struct buf plain = BUF_INIT;
	for (const char *p = text; *p; p++) /* QEMU ends its lines with \r\n */
		if (p[0] != '\r' || p[1] != '\n')
			buf_addc(&plain, *p);
	CLEANUP_FREE char *shown = str_printable_lines(plain.data ? plain.data : "");
	printf("%s%s", shown, shown[0] && shown[strlen(shown) - 1] == '\n' ? "" : "\n");
	json_object_put(result);
	return 0;
}

static int check_monitor_options(const struct cli *c, int *fd)
{
	const char *pass = cli_value(c, "pass-fds");
	uint64_t n = 0;
	bool hmp = cli_flag(c, "hmp");
	if (hmp && (cli_flag(c, "pretty") || cli_flag(c, "return-value"))) {
		out_error("Options --hmp and --%s are mutually exclusive",
		    cli_flag(c, "pretty") ? "pretty" : "return-value");
		return -1;
	}
	if (pass && str_u64(pass, 1 << 20, &n) < 0) {
		out_error(
		    "invalid value '%s' for --pass-fds: one descriptor can go along with a command",
		    pass);
		return -1;
	}
	*fd = pass ? (int)n : -1;
	return 0;
}

int verb_qemu_monitor_command(struct cli *c)
{
	struct err err = {0};
	struct live l;
	int fd = -1;
	if (check_monitor_options(c, &fd) < 0)
		return CLI_FAILED;
	int rc = live_open(c, &l, &err);
	if (rc == 0)
		rc = cli_flag(c, "hmp") ? human_command(&l, fd, &err) : json_command(&l, fd, &err);
	live_fini(&l);
	return rc == 0 ? CLI_DONE : live_failed(NULL, &err);
}

/* --- inject-nmi --- */

int verb_inject_nmi(struct cli *c)
{
	struct err err = {0};
	struct live l;
	int rc = live_open(c, &l, &err);
	if (rc == 0)
		rc = live_qmp(&l, "inject-nmi", NULL, NULL, &err);
	live_fini(&l);
	return rc == 0 ? CLI_DONE : live_failed(NULL, &err);
}

/* --- send-key --- */

static struct json_object *key_list(const struct cli *c, struct err *err)
{
	unsigned n;
	const char *const *words = cli_values(c, "keycode", &n);
	if (n > KEYS_MAX) {
		err_set(err, ERR_INVALID, "too many keycodes: %d at most", KEYS_MAX);
		return NULL;
	}
	struct json_object *list = json_object_new_array();
	for (unsigned i = 0; i < n; i++) {
		struct json_object *v = key_value(cli_value(c, "codeset"), words[i], err);
		if (!v) {
			json_object_put(list);
			return NULL;
		}
		json_object_array_add(list, v);
	}
	return list;
}

static int send_keys(struct live *l, struct json_object *keys, struct err *err)
{
	struct json_object *args = json_object_new_object();
	uint64_t hold = cli_number(l->c, "holdtime", 0);
	json_object_object_add(args, "keys", keys);
	if (hold > 0)
		json_object_object_add(args, "hold-time", json_object_new_int64((int64_t)hold));
	return live_qmp(l, "send-key", args, NULL, err);
}

int verb_send_key(struct cli *c)
{
	struct err err = {0};
	struct live l;
	struct json_object *keys = key_list(c, &err);
	if (cli_number(c, "holdtime", 0) > HOLD_MAX) {
		out_error("--holdtime is a number of milliseconds, %u at most", HOLD_MAX);
		json_object_put(keys);
		return CLI_FAILED;
	}
	if (!keys)
		return live_failed(NULL, &err);
	int rc = live_open(c, &l, &err);
	if (rc == 0)
		rc = send_keys(&l, keys, &err);
	else
		json_object_put(keys);
	live_fini(&l);
	return rc == 0 ? CLI_DONE : live_failed(NULL, &err);
}
