/* The verbs of consoles: attach, look, search, record. */
#include "cli/table_impl.h"

OPTS(console) = {
    DOMAIN_ONE,
    PORT,
    FLAG("force", "take the keyboard over from whoever holds it"),
    FLAG("safe", "accepted; a console is always safe to share"),
    FLAG("raw",
        "pass bytes through as they are: no screen is kept, the guest talks to your terminal itself"),
    {0},
};
OPTS(screen) = {
    {"domain", OPT_DOMAIN, .value = "DOMAIN", .help = "domain name, id or uuid"},
    FLAG("stdin", "render bytes from standard input instead of a domain's console"),
    PORT,
    {"rows", OPT_NUMBER, .value = "ROWS", .help = "lines of the screen"},
    {"cols", OPT_NUMBER, .value = "COLS", .help = "columns of the screen"},
    FLAG("ansi", "keep colours and attributes as SGR sequences"),
    JSON,
    {0},
};
OPTS(log) = {
    {"domain", OPT_DOMAIN, .many = true, .value = "DOMAIN", .help = "domain name, id or uuid"},
    FLAG("all", "the consoles of all domains that have a log, also of those that are off or gone"),
    PORT,
    {"follow", OPT_FLAG, .letter = 'f', .help = "go on with what comes, until Ctrl+C"},
    {"lines", OPT_NUMBER, .letter = 'n', .value = "N", .help = "only the last N lines"},
    {"since", OPT_STRING, .value = "TIME",
        .help = "only what came then or later: 2h, yesterday, 10:00, '2026-11-20 10:00'"},
    {"until", OPT_STRING, .value = "TIME", .help = "only what came until then"},
    {"boot", OPT_STRING, .value = "N",
        .help = "only one boot: 0 the last one, -1 the one before it, 1 the oldest one kept"},
    FLAG("list-boots", "which boots the log holds, and from when to when they lasted"),
    {"grep", OPT_STRING, .letter = 'g', .value = "REGEX",
        .help = "only lines that match the extended regular expression"},
    {"ignore-case", OPT_FLAG, .letter = 'i', .help = "with --grep: upper and lower case are one"},
    {"invert-match", OPT_FLAG, .letter = 'v', .help = "with --grep: lines that do not match"},
    {"context", OPT_NUMBER, .letter = 'C', .value = "N",
        .help = "with --grep: N lines before and behind each match, too"},
    {"timestamps", OPT_FLAG, .letter = 't', .help = "when each line came, before it"},
    FLAG("raw", "the bytes as the guest wrote them, to a file or a pipe"),
    {"json", OPT_FLAG, .help = "a JSON object per line"},
    {0},
};
OPTS(expect) = {
    DOMAIN_ONE,
    {"pattern", OPT_WORD, .required = true, .many = true, .value = "PATTERN",
        .help = "extended regular expression; several are waited for one after the other"},
    {"send", OPT_STRING, .many = true, .value = "TEXT",
        .help = "typed when the pattern before it has matched, or at once when it comes first; "
                "\\n \\r \\t \\e \\xHH and \\\\ as in C"},
    {"timeout", OPT_NUMBER, .value = "SECONDS", .help = "for each pattern; 60 by default"},
    PORT,
    FLAG("new", "the first pattern matches only what comes from now on"),
    FLAG("since-boot", "the first pattern may match anything since the guest was started or reset"),
    FLAG("force", "type even while somebody else holds the keyboard"),
    {0},
};
OPTS(record) = {
    DOMAIN_ONE,
    {"file", OPT_FILE, .value = "FILE", .help = "where to; standard output without it, or -"},
    PORT,
    {"duration", OPT_NUMBER, .value = "SECONDS",
        .help = "until then; else until the domain is off, or Ctrl+C"},
    FLAG("since-boot", "with what the console has said since the guest was started or reset"),
    FLAG("raw-bytes", "the guest's own bytes, not what a screen shows of them"),
    {"rows", OPT_NUMBER, .value = "ROWS",
        .help = "lines of the screen; those of the keyboard's holder by default, or 24"},
    {"cols", OPT_NUMBER, .value = "COLS", .help = "its columns; the holder's by default, or 80"},
    FLAG("force", "write over a FILE that is there"),
    {0},
};
OPTS(replay) = {
    {"file", OPT_FILE, .required = true, .value = "FILE", .help = "an asciicast of version 2"},
    {"speed", OPT_STRING, .value = "N", .help = "so many times as fast; 0.5 is half"},
    {"idle-limit", OPT_STRING, .value = "SECONDS", .help = "the longest pause"},
    FLAG("text", "print its text, on a terminal too"),
    {0},
};
OPTS(send_break) = {DOMAIN_ONE, PORT, {0}};
OPTS(sysrq) = {
    DOMAIN_ONE,
    {"letter", OPT_WORD, .required = true, .value = "LETTER",
        .help = "what the kernel is to do: h lists them"},
    PORT,
    FLAG("keyboard", "as Alt+SysRq on the domain's keyboard, not by a console"),
    FLAG("force", "type the letter even while somebody else holds the console's keyboard"),
    {0},
};

OPTS(wall) = {
    {"domain", OPT_DOMAIN, .many = true, .value = "DOMAIN",
        .help = "the domains to show, at most 16; without any, those that run"},
    {"group", OPT_STRING, .value = "GROUP",
        .help = "of those that run, the ones in this group or one below it"},
    {"tag", OPT_STRING, .many = true, .value = "TAG",
        .help = "of those that run, the ones that have this tag"},
    {0},
};

VERB(console) = {NAMES(console, "console"), .family = "Consoles",
    .summary = "connect to the guest console",
    .flags = VERB_READS | VERB_TERMINAL | VERB_LIVE | VERB_VIRSH,
    .text =
        "Ctrl+] detaches at once. What the guest wrote before is shown first. Several operators may attach; "
        "one of them holds the keyboard.\n\n"
        "Guest output goes through a terminal emulator, so that a guest cannot control your terminal. With "
        "--raw, or when standard input or output is not a terminal, bytes pass as they are, from now on. With --readonly "
        "nothing can be typed. --escape KEY (^A, C-a) detaches in place of Ctrl+].\n\n"
        "Without a terminal the end of standard input is not the end: output goes on until the domain is off. "
        "Input that cannot be typed because somebody else holds the keyboard is an error. A supervisor that is killed meanwhile "
        "is waited for; output goes on where it stood. Exit status: 0 after a detach and when the domain has powered "
        "off, 1 when it crashed or the console was lost."};

VERB(screen) = {NAMES(screen, "screen"), .family = "Consoles",
    .summary = "print the console's present screen", .flags = VERB_READS,
    .text =
        "The screen of a running domain, or the last one of a domain that has ended. It has the size of the "
        "keyboard holder's terminal unless --rows and --cols are given, 24x80 when nobody is attached."};

VERB(log) = {NAMES(log, "log"), .family = "Consoles",
    .summary = "what consoles have shown, by time and boot, searched", .flags = VERB_READS,
    .text =
        "Everything that a console of the domain has shown and that is still kept, whether the domain runs or "
        "not: rotated logs, the present one, and what is not on the disk yet, as one text. Without --port it is the "
        "first console; with --grep all consoles. Lines are shown as a terminal would show them in the end: without "
        "colours, without what was overwritten, without control characters.\n\n"
        "Lines of the form \"-- boot 3, 2026-11-21 10:48:00 --\" are marks: the guest was started or reset, ended, "
        "bytes are missing. A guest can print such a line, too; in --json marks are objects of their own, which it "
        "cannot make.\n\n"
        "Times are local time. --since and --until take a time of the day, a date, both, a time with a Z for UTC, "
        "@SECONDS since 1970, now, today, yesterday, or how long ago: 90s, 30m, 2h, 1d 12h, 2w. Times are known to the "
        "second; where a console trickles for days, to half a minute. Lines from before times were kept are shown as "
        "if they were late enough.\n\n"
        "With --grep each line has the domain, the console and its time before it, and the exit status is 1 when no "
        "line matched. What is matched is the line as it is shown: a colour inside a word hides nothing. --follow "
        "shows the last ten lines first, unless --since or --lines say otherwise; a line is shown when it is "
        "complete."};

VERB(expect) = {NAMES(expect, "expect"), .family = "Consoles",
    .summary = "wait for a pattern on a console and type an answer",
    .flags = VERB_CHANGES | VERB_LIVE,
    .text =
        "Waits until a line of the console matches PATTERN, prints that line, types TEXT, and goes on with the next "
        "pattern: hvmux expect web1 login: --send 'root\\n' '# ' --send 'systemctl reboot\\n' login: --timeout 300\n\n"
        "Exit status: 0 all matched and all was typed; 1 the domain is off, or somebody else holds the keyboard; 124 no match "
        "in time.\n\n"
        "The text is what a reader would see: escape sequences are dropped, what a carriage return or backspaces took back is "
        "gone. A pattern is held against one line at a time, also while it grows, so a prompt matches. The first pattern may "
        "match the last line that is there already, which is where a prompt stands; the next ones what comes after the match "
        "before, or after what was typed.\n\n"
        "The keyboard is taken only to type and given back at once. The guest's echo of what was typed is passed over "
        "where it comes back as it was typed; a guest that prints something in between, or wraps the line, may still make a "
        "pattern match the command itself."};

VERB(send_break) = {NAMES(send_break, "send-break"), .family = "Consoles",
    .summary = "send BREAK on a serial port", .flags = VERB_CHANGES | VERB_LIVE,
    .text =
        "What the guest makes of it is its own affair: Linux takes it for the SysRq key on a port that is its console, "
        "firmware and boot loaders often stop at a prompt. A virtio console has no BREAK."};

VERB(sysrq) = {NAMES(sysrq, "sysrq"), .family = "Consoles", .summary = "send Linux a SysRq command",
    .flags = VERB_DISRUPTS | VERB_LIVE,
    .text =
        "On a serial port as BREAK and the letter, on a virtio console as Ctrl+O and the letter; the port has to be one of the "
        "kernel's consoles (console=ttyS0). The first serial port is used, else the first virtio console, else the domain's "
        "keyboard. The guest obeys as far as its kernel.sysrq lets it. Useful letters: h help, s sync, u remount "
        "read-only, b reboot at once, c crash, w blocked tasks, m memory, t tasks.",
    .losses = "what LETTER does: b, c, e, i and o end programs or the guest at once"};

VERB(wall) = {NAMES(wall, "wall"), .family = "Consoles",
    .summary = "show the consoles of many domains at once", .flags = VERB_READS | VERB_TERMINAL,
    .text =
        "The consoles are tiled, live, and only looked at: Enter shows one full-screen, i types into one, b into all "
        "of them at once after a question that names them. Ctrl+] goes back, and off the wall. Key w of the dashboard "
        "opens the same for the marked domains. With --readonly nothing can be typed."};

VERB(record) = {NAMES(record, "record"), .family = "Consoles",
    .summary = "record a console as an asciicast", .flags = VERB_READS | VERB_LIVE,
    .text =
        "Writes version 2 of asciinema's format: what the screen shows now, then every change of it until the domain is "
        "off, SECONDS have passed, or Ctrl+C. 'replay' and other players of the format show it.\n\n"
        "A recording is played on somebody's terminal later, so what is written is drawn by our own emulator: text, colours "
        "and cursor movement, at most 30 pictures a second; lines that scroll by between two of them are in it. Nothing that a "
        "guest prints can make a player's terminal do anything else. With --raw-bytes every byte of the guest is written as "
        "it came (broken UTF-8 as U+FFFD): the exact stream, and as dangerous on a terminal as the guest."};

VERB(replay) = {NAMES(replay, "replay"), .family = "Consoles", .summary = "play an asciicast",
    .flags = VERB_READS | VERB_TERMINAL,
    .text =
        "Plays FILE on this terminal through our own emulator: whatever it holds, only text, colours and cursor movement reach "
        "the terminal. Keys: Space pauses and goes on, Left and Right go 5 seconds back and ahead, . goes to the next event, + "
        "and - change the speed, g goes to the start, q ends. Where standard input or output is no terminal its text is "
        "printed, line by line, without any control sequence."};
