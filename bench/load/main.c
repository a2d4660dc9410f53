/* The command line of the load generator. bench/main.ts is who calls it. */

#define _GNU_SOURCE
#include "load.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static const char USAGE[] =
    "usage: load ROLE [OPTION VALUE]...\n"
    "  backends                     fake IMAP, POP3 and SMTP servers; says their ports\n"
    "  auth    --imap --pop3 --smtp fake auth server that names these backend ports; says its port\n"
    "  logins  --port --protocol --tls --concurrency --seconds\n"
    "  trips   --port --tls --streams --seconds\n"
    "  bulk    --port --tls --streams --seconds --size --direction down|up\n"
    "  hold    --port --tls --concurrency   then by lines: open N, ping, quit\n"
    "protocol: imap, pop3, smtp; tls: none, implicit, starttls\n";

void fail(const char *form, ...) {
    va_list words;
    va_start(words, form);
    fputs("load: ", stderr);
    vfprintf(stderr, form, words);
    fputc('\n', stderr);
    va_end(words);
    exit(1);
}

static double number(const char *name, const char *text, double least, double most) {
    char *end;
    double value = strtod(text, &end);
    if (*end || end == text || !(value >= least && value <= most))
        fail("%s %s is not from %g to %g", name, text, least, most);
    return value;
}

static const char *word(const char *name, const char *text, const char *const *allowed) {
    for (; *allowed; allowed++)
        if (!strcmp(text, *allowed)) return *allowed;
    fail("%s cannot be %s", name, text);
}

static const char *const PROTOCOLS[] = {"imap", "pop3", "smtp", NULL};
static const char *const TLS[] = {"none", "implicit", "starttls", NULL};
static const char *const DIRECTIONS[] = {"down", "up", NULL};

static void set(struct options *options, const char *name, const char *text) {
    struct { const char *name; int *to; double most; } ints[] = {
        {"--port", &options->port, 65535},         {"--imap", &options->imap, 65535},
        {"--pop3", &options->pop3, 65535},         {"--smtp", &options->smtp, 65535},
        {"--concurrency", &options->concurrency, 4096}, {"--streams", &options->streams, 4096},
    };
    for (size_t i = 0; i < sizeof ints / sizeof *ints; i++) {
        if (strcmp(name, ints[i].name)) continue;
        *ints[i].to = (int)number(name, text, 1, ints[i].most);
        return;
    }
    if (!strcmp(name, "--seconds")) options->seconds = number(name, text, 0.05, 600);
    else if (!strcmp(name, "--size")) options->size = (uint64_t)number(name, text, 1, 4e9);
    else if (!strcmp(name, "--protocol")) options->protocol = word(name, text, PROTOCOLS);
    else if (!strcmp(name, "--tls")) options->tls = word(name, text, TLS);
    else if (!strcmp(name, "--direction")) options->upload = *word(name, text, DIRECTIONS) == 'u';
    else fail("unknown option %s\n%s", name, USAGE);
}

/* Everything that the hard limit allows: 10,000 sessions are 10,000 descriptors. */
static void raise_open_files(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int count, char **words) {
    static const struct { const char *name; void (*run)(const struct options *); } roles[] = {
        {"backends", serve_backends}, {"auth", serve_auth}, {"logins", run_logins},
        {"trips", run_trips},         {"bulk", run_bulk},   {"hold", run_hold},
    };
    struct options options = {.protocol = "imap", .tls = "none", .concurrency = 32,
                              .streams = 8, .seconds = 1, .size = 4 << 20};
    if (count < 2 || count % 2) fail("%s", USAGE);
    for (int i = 2; i < count; i += 2) set(&options, words[i], words[i + 1]);
    /* Whoever started it may be killed: nothing shall stay behind. */
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    signal(SIGPIPE, SIG_IGN);
    raise_open_files();
    loop_init();
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
        if (strcmp(words[1], roles[i].name)) continue;
        roles[i].run(&options);
        return 0;
    }
    fail("unknown role %s\n%s", words[1], USAGE);
}
