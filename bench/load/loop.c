/* Connections over one level-triggered epoll descriptor, plain or with TLS on the client's side. */

#define _GNU_SOURCE
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 256, BACKLOG = 4096, READ_SIZE = 256 * 1024, READS = 16 };

struct listener {
    int fd;
    acceptor accept;
    void *with;
};

static int epoll = -1;
static struct listener listeners[4];
static int listening;
static void (*stdin_line)(char *, size_t);
static struct conn *dead;
static char buffer[READ_SIZE];

static void watch(int fd, uint32_t events, void *with, int how) {
    struct epoll_event event = {.events = events, .data.ptr = with};
    if (epoll_ctl(epoll, how, fd, &event) < 0) fail("epoll_ctl: %s", strerror(errno));
}

void loop_init(void) {
    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0) fail("epoll_create1: %s", strerror(errno));
}

static struct sockaddr_in loopback(int port) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return at;
}

int loop_listen(int port, acceptor accept, void *with) {
    struct sockaddr_in at = loopback(port);
    socklen_t length = sizeof at;
    int yes = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) fail("socket: %s", strerror(errno));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) < 0 || listen(fd, BACKLOG) < 0)
        fail("Cannot bind 127.0.0.1:%d: %s", port, strerror(errno));
    getsockname(fd, (struct sockaddr *)&at, &length);
    struct listener *listener = &listeners[listening++];
    *listener = (struct listener){fd, accept, with};
    watch(fd, EPOLLIN, listener, EPOLL_CTL_ADD);
    return ntohs(at.sin_port);
}

void loop_stdin(void (*line)(char *, size_t)) {
    stdin_line = line;
    watch(STDIN_FILENO, EPOLLIN, &stdin_line, EPOLL_CTL_ADD);
}

static void take_all(const struct listener *listener) {
    for (;;) {
        int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR)
                fail("accept: %s", strerror(errno));
            return;
        }
        listener->accept(fd, listener->with);
    }
}

/* --- the life of a connection ------------------------------------------------------------------ */

static void no_delay(int fd) {
    int yes = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

void conn_adopt(struct conn *conn, int fd, const struct handler *handler) {
    conn->fd = fd;
    conn->handler = handler;
    conn->events = EPOLLIN;
    no_delay(fd);
    watch(fd, conn->events, conn, EPOLL_CTL_ADD);
}

bool conn_dial(struct conn *conn, int port, const struct handler *handler) {
    struct sockaddr_in at = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || (connect(fd, (struct sockaddr *)&at, sizeof at) < 0 && errno != EINPROGRESS)) {
        fprintf(stderr, "Cannot connect to 127.0.0.1:%d: %s\n", port, strerror(errno));
        if (fd >= 0) close(fd);
        return false;
    }
    conn_adopt(conn, fd, handler);
    return true;
}

/* Freed only after the round of events, which may still point at it. */
void conn_drop(struct conn *conn) {
    if (conn->dead) return;
    conn->dead = true;
    SSL_free(conn->ssl);
    conn->ssl = NULL;
    close(conn->fd);
    free(conn->queue);
    conn->queue = NULL;
    conn->next_dead = dead;
    dead = conn;
}

static void over(struct conn *conn, const char *why) {
    if (conn->dead) return;
    conn->handler->closed(conn, why);
    conn_drop(conn);
}

void conn_end(struct conn *conn) {
    if (conn->dead) return;
    conn->ending = true;
    if (conn->queued > conn->sent) return;
    if (conn->ssl) SSL_shutdown(conn->ssl);
    conn_drop(conn);
}

static void want(struct conn *conn, uint32_t events) {
    if (conn->dead || conn->events == events) return;
    conn->events = events;
    watch(conn->fd, events, conn, EPOLL_CTL_MOD);
}

/* --- TLS --------------------------------------------------------------------------------------- */

static void shake(struct conn *conn) {
    int done = SSL_do_handshake(conn->ssl);
    if (done == 1) {
        conn->shaking = false;
        want(conn, EPOLLIN);
        if (conn->handler->secured) conn->handler->secured(conn);
        return;
    }
    switch (SSL_get_error(conn->ssl, done)) {
    case SSL_ERROR_WANT_READ: want(conn, EPOLLIN); return;
    case SSL_ERROR_WANT_WRITE: want(conn, EPOLLIN | EPOLLOUT); return;
    default: ERR_clear_error(); over(conn, "the TLS handshake failed");
    }
}

void conn_secure(struct conn *conn, SSL_CTX *context) {
    conn->ssl = SSL_new(context);
    if (!conn->ssl || !SSL_set_fd(conn->ssl, conn->fd)) fail("SSL_new failed");
    SSL_set_connect_state(conn->ssl);
    conn->shaking = true;
    /* Not connected yet: the first writable event starts it. */
    want(conn, EPOLLIN | EPOLLOUT);
}

/* --- writing ----------------------------------------------------------------------------------- */

/* How much the kernel took; 0 when it wants to wait, -1 when the connection is broken. */
static ssize_t put(struct conn *conn, const char *bytes, size_t length) {
    if (!conn->ssl) {
        ssize_t n = send(conn->fd, bytes, length, MSG_NOSIGNAL);
        return n >= 0 ? n : errno == EAGAIN ? 0 : -1;
    }
    int n = SSL_write(conn->ssl, bytes, length > INT32_MAX ? INT32_MAX : (int)length);
    if (n > 0) return n;
    int error = SSL_get_error(conn->ssl, n);
    if (error == SSL_ERROR_WANT_WRITE || error == SSL_ERROR_WANT_READ) return 0;
    ERR_clear_error();
    return -1;
}

static void enqueue(struct conn *conn, const char *bytes, size_t length) {
    if (conn->queued + length > conn->room) {
        conn->room = conn->queued + length;
        conn->queue = realloc(conn->queue, conn->room);
        if (!conn->queue) fail("out of memory");
    }
    memcpy(conn->queue + conn->queued, bytes, length);
    conn->queued += length;
    want(conn, EPOLLIN | EPOLLOUT);
}

bool conn_write(struct conn *conn, const void *bytes, size_t length) {
    const char *rest = bytes;
    if (conn->dead) return true;
    while (length > 0 && conn->queued == conn->sent) {
        ssize_t n = put(conn, rest, length);
        if (n < 0) return true; /* reading will tell */
        if (n == 0) break;
        rest += n;
        length -= (size_t)n;
    }
    if (length > 0) enqueue(conn, rest, length);
    return length == 0;
}

static void flush(struct conn *conn) {
    while (conn->sent < conn->queued) {
        ssize_t n = put(conn, conn->queue + conn->sent, conn->queued - conn->sent);
        if (n < 0) return over(conn, "the connection broke while writing");
        if (n == 0) return;
        conn->sent += (size_t)n;
    }
    free(conn->queue);
    conn->queue = NULL;
    conn->queued = conn->sent = conn->room = 0;
    if (conn->ending) return conn_end(conn);
    want(conn, EPOLLIN);
    if (conn->handler->drained) conn->handler->drained(conn);
}

/* --- reading ----------------------------------------------------------------------------------- */

static void read_tls(struct conn *conn) {
    for (int reads = 0; !conn->dead && (reads < READS || SSL_pending(conn->ssl) > 0); reads++) {
        int n = SSL_read(conn->ssl, buffer, READ_SIZE);
        if (n > 0) {
            conn->handler->data(conn, buffer, (size_t)n);
            continue;
        }
        int error = SSL_get_error(conn->ssl, n);
        if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return;
        ERR_clear_error();
        over(conn, error == SSL_ERROR_ZERO_RETURN ? NULL : "the connection broke, TLS not ended");
    }
}

static void read_some(struct conn *conn) {
    if (conn->ssl) return read_tls(conn);
    ssize_t n = recv(conn->fd, buffer, READ_SIZE, 0);
    if (n > 0) conn->handler->data(conn, buffer, (size_t)n);
    else if (n == 0) over(conn, NULL);
    else if (errno != EAGAIN) over(conn, strerror(errno));
}

static void turn(struct conn *conn, uint32_t events) {
    if (conn->dead) return;
    if (conn->shaking) return shake(conn);
    if (events & EPOLLOUT) flush(conn);
    if (!conn->dead && !conn->shaking && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
        read_some(conn);
}

static void read_stdin(void) {
    ssize_t n = read(STDIN_FILENO, buffer, READ_SIZE);
    if (n <= 0) epoll_ctl(epoll, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
    stdin_line(buffer, n < 0 ? 0 : (size_t)n);
}

void loop_turn(int ms) {
    struct epoll_event events[EVENTS];
    int n = epoll_wait(epoll, events, EVENTS, ms);
    for (int i = 0; i < n; i++) {
        void *with = events[i].data.ptr;
        if (with == &stdin_line) read_stdin();
        else if ((struct listener *)with >= listeners &&
                 (struct listener *)with < listeners + listening)
            take_all(with);
        else turn(with, events[i].events);
    }
    while (dead) {
        struct conn *next = dead->next_dead;
        free(dead);
        dead = next;
    }
}
