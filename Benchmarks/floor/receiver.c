// usage: receiver [--port N] [--echo-keys]
//
// The far end of the benchmark: an HTTP/1.1 server on loopback that takes bulk upserts of any size and answers each
// with the whole envelope, doing as little as it can. It is a process of its own, so that its work is not counted as
// the client's. It prints its port first, and on SIGTERM how much it took. It keeps nothing: it is no sandbox.
// Events (POST) get the short answer of the analytics API.
// With --echo-keys the answers name each row, as a destination does that gives out ids.
//
// One thread, poll: at most 64 connections.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 64

typedef struct {
    int socket;
    char *base;
    size_t used, capacity;
    size_t head, length; // of the request being read; head 0: its end is not seen yet
    int saidContinue;
} connection;

static connection connections[CONNECTIONS_MAX];
static int connectionCount;
static unsigned long long writes, reads, objects, bodyBytes, badRequests;
static int echoKeys;
static volatile sig_atomic_t ending;

static void end_soon(int signal) { (void)signal; ending = 1; }

static void send_all(int socket, const char *bytes, size_t count) {
    while (count) {
        ssize_t put = send(socket, bytes, count, MSG_NOSIGNAL);
        if (put <= 0) return;
        bytes += put;
        count -= (size_t)put;
    }
}

static void answer(int socket, int status, const char *body, size_t count) {
    char head[160];
    int size = snprintf(head, sizeof head,
                        "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n", status,
                        status == 200 ? "OK" : "Bad Request", count);
    char *all = malloc((size_t)size + count);
    memcpy(all, head, (size_t)size);
    memcpy(all + size, body, count);
    send_all(socket, all, (size_t)size + count);
    free(all);
}

// Skips a text; `at` is behind its opening quote. Returns the place behind the closing one.
static const char *skip_text(const char *at, const char *end) {
    while (at < end) {
        const char *quote = memchr(at, '"', (size_t)(end - at));
        if (!quote) return end;
        const char *slash = quote;
        while (slash > at && slash[-1] == '\\') slash--;
        at = quote + 1;
        if ((quote - slash) % 2 == 0) return at;
    }
    return end;
}

// Counts the objects of a top-level array; -1 if the body is none. With `keys` writes the entries that name them.
static long count_objects(const char *at, const char *end, char **keys, size_t *keysUsed) {
    size_t capacity = 0;
    long count = 0;
    int depth = 0;
    if (at == end || *at != '[') return -1;
    for (; at < end;) {
        char c = *at++;
        switch (c) {
        case '"': {
            const char *name = at;
            at = skip_text(at, end);
            if (keys && depth == 2 && at - name == 11 && !memcmp(name, "externalId", 10) && at + 1 < end && at[1] == '"') {
                const char *value = at + 1;
                at = skip_text(value + 1, end);
                if (*keysUsed + (size_t)(at - value) + 80 > capacity) {
                    capacity = capacity ? capacity * 2 : 1 << 20;
                    *keys = realloc(*keys, capacity);
                }
                *keysUsed += (size_t)sprintf(*keys + *keysUsed, "%s{\"_id\":\"%024lx\",\"externalId\":%.*s}",
                                             *keysUsed ? "," : "", (unsigned long)count, (int)(at - value), value);
            }
            break;
        }
        case '{':
            if (++depth == 2) count++;
            break;
        case '[': depth++; break;
        case '}':
        case ']': depth--; break;
        default: break;
        }
    }
    return depth == 0 ? count : -1;
}

static void answer_write(connection *c, int isEvents) {
    char *keys = NULL;
    size_t keysUsed = 0;
    const char *body = c->base + c->head;
    long count = count_objects(body, body + c->length, echoKeys ? &keys : NULL, &keysUsed);
    if (count < 0) {
        badRequests++;
        answer(c->socket, 400, "{\"error\":\"not an array\"}", 24);
    } else {
        char *envelope = malloc(keysUsed + 400);
        int size = isEvents ? sprintf(envelope, "{\"processed\":%ld,\"errors\":[]}", count) : sprintf(envelope,
                           "{\"created\":%ld,\"createdErrors\":[],\"insertsKeys\":[%.*s],\"updated\":0,\"updatedErrors\":[],"
                           "\"updatesKeys\":[],\"nonupdates\":0,\"modified\":[],\"upsertedIds\":[],"
                           "\"permissionErrors\":[]}", count, (int)keysUsed, keys ? keys : "");
        answer(c->socket, 200, envelope, (size_t)size);
        free(envelope);
        writes++;
        objects += (unsigned long long)count;
        bodyBytes += c->length;
    }
    free(keys);
}

// Every company that metrics are of is there; lists are empty.
static void answer_read(connection *c) {
    static const char company[] = "GET /companies/extid-";
    char body[200] = "[]";
    if (!strncmp(c->base, company, sizeof company - 1)) {
        const char *key = c->base + sizeof company - 1;
        snprintf(body, sizeof body, "{\"_id\":\"000000000000000000000001\",\"externalId\":\"%.*s\"}",
                 (int)strcspn(key, " ?"), key);
    }
    answer(c->socket, 200, body, strlen(body));
}

// Handles every whole request that has arrived; returns 0 if the connection is to be closed.
static int handle(connection *c) {
    for (;;) {
        if (!c->head) {
            if (c->used < 4) return 1;
            c->base[c->used] = 0;
            char *end = strstr(c->base, "\r\n\r\n");
            if (!end) return c->used < 65536;
            c->head = (size_t)(end - c->base) + 4;
            *end = 0;
            char *field = strcasestr(c->base, "\r\ncontent-length:");
            c->length = field ? strtoul(field + 17, NULL, 10) : 0;
            if (strcasestr(c->base, "\r\ntransfer-encoding: chunked")) {
                badRequests++;
                fprintf(stderr, "receiver: a chunked body is not understood\n");
                return 0;
            }
            if (strcasestr(c->base, "\r\nexpect: 100-continue")) send_all(c->socket, "HTTP/1.1 100 Continue\r\n\r\n", 25);
        }
        if (c->used < c->head + c->length) return 1;
        if (!strncmp(c->base, "GET ", 4)) {
            reads++;
            answer_read(c);
        } else {
            answer_write(c, !strncmp(c->base, "POST ", 5));
        }
        size_t taken = c->head + c->length;
        memmove(c->base, c->base + taken, c->used - taken);
        c->used -= taken;
        c->head = c->length = 0;
    }
}

static int take(connection *c) {
    size_t wanted = c->head ? c->head + c->length + 1 : 65537;
    if (wanted < c->used + 65536) wanted = c->used + 65537;
    if (c->capacity < wanted) {
        c->base = realloc(c->base, wanted);
        c->capacity = wanted;
    }
    ssize_t got = read(c->socket, c->base + c->used, c->capacity - c->used - 1);
    if (got <= 0) return 0;
    c->used += (size_t)got;
    return handle(c);
}

int main(int count, char **arguments) {
    int port = 0;
    for (int i = 1; i < count; i++) {
        if (!strcmp(arguments[i], "--echo-keys")) echoKeys = 1;
        else if (!strcmp(arguments[i], "--port") && i + 1 < count) port = atoi(arguments[++i]);
    }
    struct sigaction action = {.sa_handler = end_soon};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 64)
        || getsockname(listener, (struct sockaddr *)&address, &size)) {
        perror("receiver");
        return 1;
    }
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);

    while (!ending) {
        struct pollfd waits[CONNECTIONS_MAX + 1];
        waits[0] = (struct pollfd){.fd = connectionCount < CONNECTIONS_MAX ? listener : -1, .events = POLLIN};
        for (int i = 0; i < connectionCount; i++)
            waits[i + 1] = (struct pollfd){.fd = connections[i].socket, .events = POLLIN};
        int known = connectionCount;
        if (poll(waits, (nfds_t)known + 1, -1) < 0) continue;
        for (int i = known - 1; i >= 0; i--) {
            if (!waits[i + 1].revents || take(&connections[i])) continue;
            close(connections[i].socket);
            free(connections[i].base);
            connections[i] = connections[--connectionCount];
        }
        if (waits[0].revents) {
            int socket = accept(listener, NULL, NULL);
            if (socket < 0) continue;
            setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            connections[connectionCount++] = (connection){.socket = socket};
        }
    }
    printf("writes=%llu reads=%llu objects=%llu body_bytes=%llu bad=%llu\n", writes, reads, objects, bodyBytes, badRequests);
    return 0;
}
