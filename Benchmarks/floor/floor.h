// What both floors share: hashing, a JSON body like the one a bulk upsert has, its sending, and the figures at the
// end. Deliberately plain C with the shortest path from the library's cell to the wire: the least that any program
// must spend which does this work.
#ifndef SLUICE_FLOOR_H
#define SLUICE_FLOOR_H

#include <stddef.h>
#include <stdint.h>

#define BATCH_ITEMS_MAX 5000

typedef struct {
    char *base;
    size_t used;
    size_t capacity;
} buffer;

typedef struct {
    uint64_t rows;
    uint64_t bytes;      // of the rows as the library gave them
    uint64_t touched;    // folded over every cell, printed so that nothing is optimized away
    uint64_t hash;
    uint64_t requests;
    uint64_t bytes_sent; // bodies only
} totals;

// A sender that gathers objects and puts them as JSON arrays to 127.0.0.1:port; port 0 means: do not write JSON.
typedef struct {
    int port;
    int socket;
    int items;
    buffer body;
    buffer answer;
    totals *totals;
} sender;

void sender_open(sender *s, int port, totals *t);
void sender_close(sender *s);
// Between begin and end the caller writes one object into s->body.
void sender_begin_row(sender *s);
void sender_end_row(sender *s);

void put_bytes(buffer *b, const void *bytes, size_t count);
void put_literal(buffer *b, const char *text);
void put_json_text(buffer *b, const char *text, size_t count);
void put_decimal(buffer *b, int64_t number);
// Six decimals, which the benchmark's doubles have: cheaper than any general shortest form.
void put_double(buffer *b, double number);
// Microseconds since 1970 as ISO 8601 in UTC with milliseconds.
void put_timestamp(buffer *b, int64_t micros);

void fold_row(totals *t, const void *bytes, size_t count);
void report(const char *name, const totals *t, double started);
double wall_seconds(void);
_Noreturn void die(const char *what, const char *detail);

#endif
