/* The pages of the server: every key of server/config.def is a flag of parleyd(8) and a line of
 * parley.conf(5). */
#include <string.h>

#include "base/macros.h"
#include "cli/man.h"

enum kind {
    KIND_SECTION,
    KIND_ADDRS,
    KIND_ADDR,
    KIND_NETS,
    KIND_LIST,
    KIND_TEXT,
    KIND_UINT,
    KIND_WORD,
    KIND_BOOL
};

struct key {
    enum kind kind;
    const char *name;
    const char *preset;
    const char
        *what; /* TEXT: placeholder; UINT: "0 to 64 threads"; WORD: words; LIST: a good item */
    const char *help;
};

static const struct key keys[] = {
#define CONFIG_SECTION(title) {KIND_SECTION, title, "", "", ""},
#define CONFIG_ADDRS(name, preset, help) {KIND_ADDRS, #name, preset, "", help},
#define CONFIG_ADDR(name, help) {KIND_ADDR, #name, "", "", help},
#define CONFIG_NETS(name, help) {KIND_NETS, #name, "", "", help},
#define CONFIG_LIST(name, preset, check, what, help) {KIND_LIST, #name, preset, what, help},
#define CONFIG_TEXT(name, preset, what, help) {KIND_TEXT, #name, preset, what, help},
#define CONFIG_UINT(name, preset, min, max, unit, help)                                            \
    {KIND_UINT, #name, #preset, #min " to " #max " " unit, help},
#define CONFIG_WORD(name, type, preset, words, help) {KIND_WORD, #name, preset, words, help},
#define CONFIG_BOOL(name, preset, help) {KIND_BOOL, #name, preset, "off|on", help},
#include "server/config.def"
};

/* `--log-level error|warn|info|debug` stands for a value in a word. */
static const char *placeholder(const struct key *key)
{
    switch (key->kind) {
    case KIND_ADDRS:
    case KIND_ADDR:
        return "ADDR:PORT";
    case KIND_NETS:
        return "ADDR[/BITS],...";
    case KIND_LIST:
        return "WORD,...";
    case KIND_UINT:
        return "N";
    default:
        return key->what;
    }
}

static void put_allowed(FILE *out, const struct key *key)
{
    if (key->kind == KIND_UINT)
        (void)fprintf(out, "Allowed: %s.\n", key->what);
    if (key->kind == KIND_LIST) {
        (void)fputs("Each is ", out);
        man_string(out, key->what);
        (void)fputs(".\n", out);
    }
    if (*key->preset != '\0') {
        (void)fputs("Default: ", out);
        man_string(out, key->preset);
        (void)fputs(".\n", out);
    }
}

static void put_flag(FILE *out, const struct key *key)
{
    (void)fputs(".TP\n\\fB\\-\\-", out);
    for (const char *p = key->name; *p != '\0'; p++)
        (void)fputs(*p == '_' ? "\\-" : (char[]){*p, '\0'}, out);
    (void)fputs("\\fR \\fI", out);
    man_string(out, placeholder(key));
    (void)fputs("\\fR\n", out);
    man_string(out, key->help);
    (void)fputc('\n', out);
}

static void put_key(FILE *out, const struct key *key)
{
    (void)fprintf(out, ".TP\n\\fB%s\\fR = \\fI", key->name);
    man_string(out, placeholder(key));
    (void)fputs("\\fR\n", out);
    man_string(out, key->help);
    (void)fputc('\n', out);
    put_allowed(out, key);
}

static void put_keys(FILE *out, void (*put)(FILE *out, const struct key *key))
{
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (keys[i].kind == KIND_SECTION)
            (void)fprintf(out, ".SS \"%s\"\n", keys[i].name);
        else
            put(out, &keys[i]);
    }
}

void man_parley_conf(FILE *out)
{
    man_title(out, "PARLEY.CONF", '5');
    (void)fputs(
        ".SH NAME\n"
        "parley.conf \\- configuration of parleyd\n"
        ".SH SYNOPSIS\n"
        ".B parleyd \\-\\-config\n"
        ".I FILE\n"
        ".SH DESCRIPTION\n"
        "Lines are \\fIkey\\fR = \\fIvalue\\fR; those that begin with # or ; are comments.\n"
        "A list takes several lines or commas; an indented line goes on with the\n"
        "value above.\n"
        ".PP\n"
        "A flag of\n"
        ".BR parleyd (8)\n"
        "counts more than a variable of the environment (\\fBPARLEY_LOG_LEVEL\\fR for\n"
        "\\fBlog_level\\fR), and that more than the file.\n"
        "A list given in one place replaces that of a lower one.\n"
        ".PP\n"
        "An unknown key or a value that is not allowed stops the start, naming file,\n"
        "line, key and what is allowed.\n"
        "\\fBparleyctl config check\\fR \\fIFILE\\fR tells before;\n"
        "\\fBparleyd \\-\\-dump\\-config\\-sample\\fR prints a file with every key and its\n"
        "default.\n"
        ".SH KEYS\n",
        out);
    put_keys(out, put_key);
    (void)fputs(".SH SEE ALSO\n.BR parleyd (8),\n.BR parleyctl (1)\n", out);
}

static const char parleyd_front[] =
    ".SH NAME\n"
    "parleyd \\- Parley, a team chat server\n"
    ".SH SYNOPSIS\n"
    ".B parleyd\n"
    "[\\fB\\-\\-config\\fR \\fIFILE\\fR] [\\fB\\-\\-\\fIkey\\fR \\fIvalue\\fR]...\n"
    ".SH DESCRIPTION\n"
    "parleyd serves the web client, the WebSocket and HTTP interfaces and the admin\n"
    "socket of a Parley chat from one process, with its database in one directory.\n"
    "Without options it serves ./data on http://127.0.0.1:8080.\n"
    ".PP\n"
    "It prints \\(lqlistening on \\fIURL\\fR\\(rq on standard output, one line a\n"
    "listener, and its log on standard error.\n"
    "The first account made is the owner's; on a listener that is not of the\n"
    "loopback it takes the set\\-up code printed at start.\n"
    ".SH OPTIONS\n"
    ".TP\n\\fB\\-\\-config\\fR \\fIFILE\\fR\n"
    "Read the configuration in FILE, see\n.BR parley.conf (5).\n"
    ".TP\n\\fB\\-\\-check\\-config\\fR\n"
    "Say whether the configuration is good (status 0, else 2), and end.\n"
    ".TP\n\\fB\\-\\-dump\\-config\\-sample\\fR, \\fB\\-\\-dump\\-config\\-docs\\fR\n"
    "Print a configuration file with every key and its default; the reference.\n"
    ".TP\n\\fB\\-\\-dump\\-typescript\\fR\n"
    "Print the types of commands and events.\n"
    ".TP\n\\fB\\-\\-dump\\-api\\-docs\\fR\n"
    "Print the reference of all commands and events for people, in Markdown.\n"
    ".TP\n\\fB\\-h\\fR, \\fB\\-\\-help\\fR; \\fB\\-V\\fR, \\fB\\-\\-version\\fR\n"
    "Print the help or the version.\n"
    ".PP\n"
    "Every key of\n"
    ".BR parley.conf (5)\n"
    "is an option too, with what is allowed and the default told there:\n";

static const char parleyd_back[] =
    ".SH SIGNALS\n"
    ".TP\n.BR SIGTERM \", \" SIGINT\n"
    "Drain: /readyz fails, new connections are refused, clients are told when to\n"
    "come back, pending commits finish, and the process exits with 0.\n"
    "The same as \\fBparleyctl drain\\fR.\n"
    ".SH EXIT STATUS\n"
    ".TP\n.B 0\nIt was drained.\n"
    ".TP\n.B 1\nIt could not start or go on; the last log line says why.\n"
    ".TP\n.B 2\nThe command line, the environment or the configuration file is wrong.\n"
    ".SH ENVIRONMENT\n"
    ".TP\n.B PARLEY_CONFIG\nThe configuration file, when there is no \\fB\\-\\-config\\fR.\n"
    ".TP\n.BI PARLEY_ KEY\nEvery key of the configuration: PARLEY_LISTEN, PARLEY_DATA, ...\n"
    ".TP\n.BI PARLEY_ KEY _FILE\nA file that holds the value of the key, for secrets; one "
    "line\nfeed at its end does not count.\n"
    ".SH FILES\n"
    ".TP\n.I DATA/parley.db\nThe database (SQLite), with its \\-wal and \\-shm files.\n"
    ".TP\n.I DATA/admin.sock\nThe admin socket (mode 0600), used by parleyctl.\n"
    ".TP\n.I DATA/parley.lock\nLocked while parleyd runs, so that no other uses the data.\n"
    ".SH SEE ALSO\n"
    ".BR parleyctl (1),\n"
    ".BR parley.conf (5)\n";

void man_parleyd(FILE *out)
{
    man_title(out, "PARLEYD", '8');
    (void)fputs(parleyd_front, out);
    put_keys(out, put_flag);
    (void)fputs(parleyd_back, out);
}
