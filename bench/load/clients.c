/*
 * Clients: each session follows a script of what to send and which reply to wait for, up to the login;
 * what it does then is the role's business. Latency is from the first SYN to the reply to the login.
 */

#define _GNU_SOURCE
#include "clients.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 12, STUCK_US = 20000000 };

enum then { GO_ON, UPGRADE, LOGGED_IN, LEFT };

/* `expect` begins the last line of the reply; continuation and untagged lines before it are passed over. */
struct step {
    const char *send, *expect;
    enum then then;
};

static struct step script[STEPS];
static int script_port;
static bool implicit;
static SSL_CTX *context;
static const struct role *role;
struct tally tally;

/* --- the script -------------------------------------------------------------------------------- */

static const struct step IMAP_LOGIN[] = {{"a LOGIN user@mail.example secret\r\n", "a OK", LOGGED_IN}, {0}};
static const struct step POP3_LOGIN[] = {
    {"USER user@mail.example\r\n", "+OK", GO_ON}, {"PASS secret\r\n", "+OK", LOGGED_IN}, {0}};
static const struct step SMTP_LOGIN[] = {
    {"EHLO client\r\n", "250 ", GO_ON},
    /* NUL user@mail.example NUL secret */
    {"AUTH PLAIN AHVzZXJAbWFpbC5leGFtcGxlAHNlY3JldA==\r\n", "235 ", LOGGED_IN}, {0}};

static const struct protocol {
    const char *name, *greeting, *noop, *quit, *bye;
    struct step starttls;
    const struct step *login;
} PROTOCOLS[] = {
    {"imap", "* OK", "a NOOP\r\n", "a LOGOUT\r\n", "a OK", {"a STARTTLS\r\n", "a OK", UPGRADE}, IMAP_LOGIN},
    {"pop3", "+OK", "NOOP\r\n", "QUIT\r\n", "+OK", {"STLS\r\n", "+OK", UPGRADE}, POP3_LOGIN},
    {"smtp", "220 ", "NOOP\r\n", "QUIT\r\n", "221 ", {"STARTTLS\r\n", "220 ", UPGRADE}, SMTP_LOGIN},
};

static void write_script(const struct options *options, bool whole) {
    const struct protocol *protocol = PROTOCOLS;
    while (strcmp(protocol->name, options->protocol)) protocol++;
    struct step *to = script;
    *to++ = (struct step){NULL, protocol->greeting, GO_ON};
    if (!strcmp(options->tls, "starttls")) {
        if (*protocol->name == 's') *to++ = SMTP_LOGIN[0];
        *to++ = protocol->starttls;
    }
    for (const struct step *from = protocol->login; from->send; from++) *to++ = *from;
    if (!whole) return;
    const char *ok = *protocol->name == 's' ? "250 " : protocol->bye;
    *to++ = (struct step){protocol->noop, ok, GO_ON};
    *to++ = (struct step){protocol->quit, protocol->bye, LEFT};
}

/* --- sessions ---------------------------------------------------------------------------------- */

static void over(struct session *session, const char *why) {
    tally.live--;
    if (why && !tally.failed++)
        fprintf(stderr, "a session failed at step %d: %s\n", session->step, why);
    role->over(session, why);
}

void session_fail(struct session *session, const char *why) {
    over(session, why);
    conn_drop(&session->conn);
}

void session_finish(struct session *session) {
    tally.live--;
    conn_drop(&session->conn);
}

static void speak(struct session *session) {
    const struct step *step = &script[session->step];
    if (step->send) conn_write(&session->conn, step->send, strlen(step->send));
}

static void advance(struct session *session) {
    enum then then = script[session->step++].then;
    if (then == UPGRADE) return conn_secure(&session->conn, context);
    if (then == LEFT) {
        session->left = true;
        return;
    }
    if (then == LOGGED_IN) {
        histogram_add(&tally.latency, now_us() - session->born);
        if (!script[session->step].expect) {
            session->ready = true;
            return role->ready(session);
        }
    }
    speak(session);
}

static void reply(struct session *session, const char *line) {
    const char *expect = script[session->step].expect;
    if (!strncmp(line, expect, strlen(expect))) return advance(session);
    bool untagged = line[0] == '*' && expect[0] == 'a';
    bool continued = line[0] == expect[0] && line[0] && line[1] && line[2] && line[3] == '-';
    if (!untagged && !continued) session_fail(session, line);
}

static void data(struct conn *conn, char *from, size_t length) {
    struct session *session = (struct session *)conn;
    while (length > 0 && !conn->dead) {
        size_t part = session->coming < length ? session->coming : length;
        session->coming -= part;
        if (part > 0) tally.bytes += part;
        from += part;
        length -= part;
        if (length == 0) return;
        char *end = memchr(from, '\n', length);
        part = end ? (size_t)(end - from) + 1 : length;
        if (session->length + part >= REPLY) return session_fail(session, "a line is too long");
        memcpy(session->line + session->length, from, part);
        session->length += part;
        from += part;
        length -= part;
        if (!end) return;
        session->line[session->length] = 0;
        session->line[strcspn(session->line, "\r\n")] = 0;
        session->length = 0;
        if (session->ready) role->line(session, session->line);
        else if (!session->left) reply(session, session->line);
    }
}

static void drained(struct conn *conn) {
    if (role->drained) role->drained((struct session *)conn);
}

static void secured(struct conn *conn) {
    struct session *session = (struct session *)conn;
    if (session->step > 0) speak(session); /* after STARTTLS the client speaks first */
}

static void closed(struct conn *conn, const char *why) {
    struct session *session = (struct session *)conn;
    if (session->left) over(session, NULL);
    else over(session, why ? why : "the proxy closed it");
}

static const struct handler handler = {data, drained, secured, closed};

void session_start(void) {
    struct session *session = calloc(1, sizeof *session);
    if (!session) fail("out of memory");
    session->born = now_us();
    if (!conn_dial(&session->conn, script_port, &handler)) {
        free(session);
        tally.failed++;
        return;
    }
    tally.live++;
    if (implicit) conn_secure(&session->conn, context);
}

/* --- all roles --------------------------------------------------------------------------------- */

/* One version, suite, group and signature: every proxy does the same cryptography. */
static SSL_CTX *client_context(void) {
    SSL_CTX *made = SSL_CTX_new(TLS_client_method());
    if (!made || !SSL_CTX_set_min_proto_version(made, TLS1_3_VERSION) ||
        !SSL_CTX_set_ciphersuites(made, "TLS_AES_128_GCM_SHA256") ||
        !SSL_CTX_set1_groups_list(made, "X25519") ||
        !SSL_CTX_set1_sigalgs_list(made, "ECDSA+SHA256"))
        fail("OpenSSL refuses the settings");
    SSL_CTX_set_verify(made, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_session_cache_mode(made, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(made, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                               SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return made;
}

void clients_prepare(const struct options *options, const struct role *as, bool whole) {
    if (!options->port) fail("--port is missing");
    role = as;
    script_port = options->port;
    implicit = !strcmp(options->tls, "implicit");
    if (strcmp(options->tls, "none")) context = client_context();
    write_script(options, whole);
}

void clients_report(double seconds) {
    printf("{\"done\":%llu,\"failed\":%llu,\"bytes\":%llu,\"seconds\":%.6f,\"cpu\":%.6f,"
           "\"p50\":%.4f,\"p90\":%.4f,\"p99\":%.4f,\"most\":%.4f}\n",
           (unsigned long long)tally.done, (unsigned long long)tally.failed, (unsigned long long)tally.bytes, seconds,
           cpu_seconds(), histogram_ms(&tally.latency, 0.5), histogram_ms(&tally.latency, 0.9),
           histogram_ms(&tally.latency, 0.99), (double)tally.latency.most / 1000);
    fflush(stdout);
}

void clients_run_out(uint64_t until) {
    while (tally.live > 0) {
        if (now_us() > until + STUCK_US) {
            tally.failed += tally.live;
            fprintf(stderr, "%llu sessions are stuck\n", (unsigned long long)tally.live);
            return;
        }
        loop_turn(100);
    }
}
