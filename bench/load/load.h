/*
 * The load generator of the benchmark: fake mail servers, a fake auth server, and the clients that
 * load a proxy between them. One process, one thread and one epoll loop for each role, so that the
 * processor time of each can be told apart. Everything stays on 127.0.0.1.
 */
#ifndef LOAD_H
#define LOAD_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- loop.c: connections over one epoll descriptor ------------------------------------------- */

struct conn;

struct handler {
    /* Bytes arrived; they are gone when this returns. */
    void (*data)(struct conn *conn, char *bytes, size_t length);
    /* The queue is empty again after a write that was cut short. Optional. */
    void (*drained)(struct conn *conn);
    /* A TLS handshake has ended well. Optional. */
    void (*secured)(struct conn *conn);
    /* The connection is over; `why` is NULL when the peer ended it in order. The memory goes next. */
    void (*closed)(struct conn *conn, const char *why);
};

/* First member of every server-side connection and client session. */
struct conn {
    int fd;
    uint32_t events;
    bool shaking;
    bool dead;
    bool ending;
    SSL *ssl;
    const struct handler *handler;
    char *queue;
    size_t queued, sent, room;
    struct conn *next_dead;
};

/* Called with each accepted connection's descriptor. */
typedef void (*acceptor)(int fd, void *with);

void loop_init(void);
/* Listens on 127.0.0.1, on a port of the kernel's choice when `port` is 0; returns the port. */
int loop_listen(int port, acceptor accept, void *with);
/* Bytes on standard input; called with length 0 at its end. */
void loop_stdin(void (*line)(char *bytes, size_t length));
/* One round of events, at most `ms` long. */
void loop_turn(int ms);

void conn_adopt(struct conn *conn, int fd, const struct handler *handler);
/* Starts a connection to 127.0.0.1; false with a reason on stderr when that fails at once. */
bool conn_dial(struct conn *conn, int port, const struct handler *handler);
void conn_secure(struct conn *conn, SSL_CTX *context);
/* Takes everything; false when some of it had to be queued, and `drained` follows. */
bool conn_write(struct conn *conn, const void *bytes, size_t length);
/* Closes once the queue is empty; `closed` is not called. */
void conn_end(struct conn *conn);
/* Closes now; `closed` is not called. */
void conn_drop(struct conn *conn);

/* --- measure.c -------------------------------------------------------------------------------- */

uint64_t now_us(void);
/* User and system time of this process, seconds. */
double cpu_seconds(void);

/* Latencies in microseconds, each octave in 64 steps: a percentile is at most 1.6 % too high. */
struct histogram {
    uint64_t count, most;
    uint64_t steps[64 * 40];
};

void histogram_add(struct histogram *histogram, uint64_t us);
double histogram_ms(const struct histogram *histogram, double fraction);

/* --- main.c: the command line ------------------------------------------------------------------ */

struct options {
    int port, imap, pop3, smtp;
    const char *protocol, *tls;
    int concurrency, streams;
    double seconds;
    uint64_t size;
    bool upload;
};

_Noreturn void fail(const char *form, ...) __attribute__((format(printf, 1, 2)));

/* --- the roles --------------------------------------------------------------------------------- */

void serve_backends(const struct options *options);
void serve_auth(const struct options *options);
void run_logins(const struct options *options);
void run_bulk(const struct options *options);
void run_trips(const struct options *options);
void run_hold(const struct options *options);

#endif
