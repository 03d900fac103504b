/* pending: verbs that are still on their way. Goes when the last of them has come. */
#include "cli/dispatch.h"
#include "cli/out.h"
#include "tui/tui.h"

static int not_built_in(struct cli *c)
{
	out_error("command '%s' is not built in", c->verb->name);
	return CLI_FAILED;
}

#define PENDING(id)                                        \
	__attribute__((weak)) int verb_##id(struct cli *c) \
	{                                                  \
		return not_built_in(c);                    \
	}
#if !__has_include("cli/verb_define.c")
PENDING(define)
PENDING(undefine)
PENDING(dumpxml)
PENDING(domxml_to_native)
#endif
#if !__has_include("cli/verb_supervise.c")
PENDING(supervise)
#endif
#if !__has_include("cli/verb_list.c")
PENDING(list)
#endif
#if !__has_include("cli/verb_life.c")
PENDING(start)
PENDING(shutdown)
PENDING(reboot)
PENDING(reset)
PENDING(destroy)
PENDING(suspend)
PENDING(resume)
#endif
#if !__has_include("cli/verb_info.c")
PENDING(dominfo)
PENDING(domstate)
#endif
#if !__has_include("cli/verb_stats.c")
PENDING(domstats)
#endif
#if !__has_include("cli/verb_console.c")
PENDING(console)
#endif
#if !__has_include("cli/verb_screen.c")
PENDING(screen)
#endif
#if !__has_include("cli/verb_events.c")
PENDING(events)
#endif
#if !__has_include("cli/complete.c")
PENDING(complete)
#endif
#if !__has_include("core/domain.c") && !__has_include("core/domain_parse.c")
#include "core/domain.h"
__attribute__((weak)) int domain_parse(const char *xml, size_t n, const char *file, unsigned flags,
    struct domain *d, struct buf *warnings, struct err *err)
{
	(void)xml;
	(void)n;
	(void)file;
	(void)flags;
	(void)d;
	(void)warnings;
	return err_set(err, ERR_UNSUPPORTED, "domain XML is not built in");
}
__attribute__((weak)) void domain_fini(struct domain *d)
{
	(void)d;
}
#endif
#if !__has_include("kvm/caps.c")
#include "kvm/caps.h"
__attribute__((weak)) int caps_get(
    const struct home *h, const char *binary, const char *arch, struct caps *c, struct err *err)
{
	(void)h;
	(void)binary;
	(void)arch;
	(void)c;
	return err_set(err, ERR_UNSUPPORTED, "QEMU's capabilities are not built in");
}
__attribute__((weak)) void caps_fini(struct caps *c)
{
	(void)c;
}
#endif
#if !__has_include("serial/console_client.c") && !__has_include("serial/console_history.c")
#include "serial/console_client.h"
__attribute__((weak)) int console_history(const struct home *h, const char *name, unsigned index,
    size_t max, struct buf *out, struct err *err)
{
	(void)h;
	(void)name;
	(void)index;
	(void)max;
	(void)out;
	return err_set(err, ERR_UNSUPPORTED, "the consoles' history is not built in");
}
#endif
#if !__has_include("tui/tui.c")
__attribute__((weak)) int tui_run(
    const struct home *h, const struct tui_options *o, struct err *err)
{
	(void)h;
	(void)o;
	return err_set(err, ERR_UNSUPPORTED, "the dashboard is not built in");
}
#endif
#if !__has_include("tui/tui.c") && !__has_include("tui/console_view.c")
__attribute__((weak)) int tui_console(
    const struct home *h, const char *name, unsigned index, unsigned flags, struct err *err)
{
	(void)h;
	(void)name;
	(void)index;
	(void)flags;
	return err_set(err, ERR_UNSUPPORTED, "the console view is not built in");
}
#endif
