#include "floor.h"

#include <arpa/inet.h>
#include <math.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

_Noreturn void die(const char *what, const char *detail) {
    fprintf(stderr, "%s: %s\n", what, detail);
    exit(1);
}

double wall_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void fold_row(totals *t, const void *bytes, size_t count) {
    XXH128_hash_t hash = XXH3_128bits(bytes, count);
    t->hash ^= hash.low64 + hash.high64;
    t->bytes += count;
    t->rows++;
}

static inline void reserve(buffer *b, size_t more) {
    if (b->used + more <= b->capacity) return;
    size_t capacity = b->capacity ? b->capacity : 1 << 16;
    while (capacity < b->used + more) capacity *= 2;
    b->base = realloc(b->base, capacity);
    if (!b->base) die("memory", "none left");
    b->capacity = capacity;
}

void put_bytes(buffer *b, const void *bytes, size_t count) {
    reserve(b, count);
    memcpy(b->base + b->used, bytes, count);
    b->used += count;
}

void put_json_text(buffer *b, const char *text, size_t count) {
    static const char hex[] = "0123456789abcdef";
    reserve(b, count * 6 + 2);
    char *out = b->base + b->used;
    *out++ = '"';
    for (size_t i = 0; i < count; i++) {
        unsigned char c = (unsigned char)text[i];
        *out = (char)c;
        if (__builtin_expect(c >= 0x20 && c != '"' && c != '\\', 1)) {
            out++;
        } else if (c >= 0x20) {
            *out++ = '\\';
            *out++ = (char)c;
        } else {
            memcpy(out, "\\u00", 4);
            out[4] = hex[c >> 4];
            out[5] = hex[c & 15];
            out += 6;
        }
    }
    *out++ = '"';
    b->used = (size_t)(out - b->base);
}

void put_literal(buffer *b, const char *text) { put_bytes(b, text, strlen(text)); }

void put_decimal(buffer *b, int64_t number) {
    char digits[24];
    int at = 24;
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (number < 0) digits[--at] = '-';
    put_bytes(b, digits + at, (size_t)(24 - at));
}

static char *two(char *out, int64_t n) {
    *out++ = (char)('0' + n / 10);
    *out++ = (char)('0' + n % 10);
    return out;
}

void put_double(buffer *b, double number) {
    int64_t scaled = llround(number * 1e6);
    if (scaled < 0) {
        put_bytes(b, "-", 1);
        scaled = -scaled;
    }
    put_decimal(b, scaled / 1000000);
    char tail[7] = {'.'};
    int64_t rest = scaled % 1000000;
    for (int i = 6; i > 0; i--, rest /= 10) tail[i] = (char)('0' + rest % 10);
    put_bytes(b, tail, 7);
}

void put_timestamp(buffer *b, int64_t micros) {
    int64_t day = micros / 86400000000, inside = micros % 86400000000;
    if (inside < 0) {
        inside += 86400000000;
        day--;
    }
    // The civil date of a day number (Hinnant's public description of the algorithm).
    int64_t z = day + 719468, era = (z >= 0 ? z : z - 146096) / 146097, doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365, doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153, d = doy - (153 * mp + 2) / 5 + 1, m = mp < 10 ? mp + 3 : mp - 9;
    int64_t y = yoe + era * 400 + (m <= 2);
    char text[32], *out = text;
    *out++ = '"';
    out = two(two(out, y / 100), y % 100);
    *out++ = '-';
    out = two(out, m);
    *out++ = '-';
    out = two(out, d);
    *out++ = 'T';
    out = two(out, inside / 3600000000);
    *out++ = ':';
    out = two(out, inside / 60000000 % 60);
    *out++ = ':';
    out = two(out, inside / 1000000 % 60);
    int64_t millis = inside / 1000 % 1000;
    *out++ = '.';
    *out++ = (char)('0' + millis / 100);
    out = two(out, millis % 100);
    *out++ = 'Z';
    *out++ = '"';
    put_bytes(b, text, (size_t)(out - text));
}

void sender_open(sender *s, int port, totals *t) {
    memset(s, 0, sizeof *s);
    s->port = port;
    s->totals = t;
    if (!port) return;
    s->socket = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(s->socket, (struct sockaddr *)&address, sizeof address)) die("connect", "the receiver does not listen");
    int on = 1;
    setsockopt(s->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static void read_answer(sender *s) {
    s->answer.used = 0;
    size_t head = 0, length = 0;
    for (;;) {
        reserve(&s->answer, 1 << 16);
        ssize_t got = read(s->socket, s->answer.base + s->answer.used, s->answer.capacity - s->answer.used - 1);
        if (got <= 0) die("receiver", "closed the connection");
        s->answer.used += (size_t)got;
        s->answer.base[s->answer.used] = 0;
        if (!head) {
            char *end = strstr(s->answer.base, "\r\n\r\n"), *field = strcasestr(s->answer.base, "content-length:");
            if (!end || !field) continue;
            head = (size_t)(end - s->answer.base) + 4;
            length = strtoul(field + 15, NULL, 10);
        }
        if (s->answer.used >= head + length) break;
    }
    if (strncmp(s->answer.base, "HTTP/1.1 200", 12)) die("receiver", s->answer.base);
}

static void flush_batch(sender *s) {
    if (!s->items) return;
    put_bytes(&s->body, "]", 1);
    char head[160];
    int count = snprintf(head, sizeof head,
                         "PUT /companies HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\n"
                         "Authorization: Bearer floor\r\nContent-Length: %zu\r\n\r\n", s->port, s->body.used);
    struct iovec parts[2] = {{head, (size_t)count}, {s->body.base, s->body.used}};
    while (parts[0].iov_len + parts[1].iov_len) {
        ssize_t put = writev(s->socket, parts, 2);
        if (put < 0) die("receiver", "does not read");
        for (int i = 0; i < 2; i++) {
            size_t part = (size_t)put < parts[i].iov_len ? (size_t)put : parts[i].iov_len;
            parts[i].iov_base = (char *)parts[i].iov_base + part;
            parts[i].iov_len -= part;
            put -= (ssize_t)part;
        }
    }
    read_answer(s);
    s->totals->requests++;
    s->totals->bytes_sent += s->body.used;
    s->items = 0;
    s->body.used = 0;
}

void sender_begin_row(sender *s) { put_bytes(&s->body, s->items ? "," : "[", 1); }

void sender_end_row(sender *s) {
    if (++s->items == BATCH_ITEMS_MAX) flush_batch(s);
}

void sender_close(sender *s) {
    if (!s->port) return;
    flush_batch(s);
    close(s->socket);
    free(s->body.base);
    free(s->answer.base);
}

void report(const char *name, const totals *t, double started) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double wall = wall_seconds() - started;
    double user = (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6;
    double system = (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec / 1e6;
    printf("%s rows=%llu wall=%.3f cpu=%.3f user=%.3f sys=%.3f bytes=%llu requests=%llu bytes_sent=%llu check=%llx\n",
           name, (unsigned long long)t->rows, wall, user + system, user, system, (unsigned long long)t->bytes,
           (unsigned long long)t->requests, (unsigned long long)t->bytes_sent,
           (unsigned long long)(t->hash ^ t->touched));
}
