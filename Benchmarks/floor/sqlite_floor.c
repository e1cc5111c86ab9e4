// usage: sqlite_floor [--bare] [--json PORT] FILE QUERY
//
// Steps through QUERY with the system's SQLite, touches each cell and hashes each row (--bare: no hash). With --json
// it also writes each row as the JSON object of a bulk upsert and sends 5,000 at a time to 127.0.0.1:PORT. The columns
// are those of pg_floor.
#include "floor.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {"externalId", "Token", "Email", "name", "Active", "Amount", "Quantity", "Ratio",
                                    "Updated", "Tier"};

// A cell, asked for once: each question to SQLite has its price.
typedef struct {
    unsigned char kind;
    int32_t size;
    int64_t whole;
    double number;
    const void *bytes;
} cell;

static void put_cell(buffer *b, int column, const cell *c) {
    switch (c->kind) {
    case SQLITE_NULL: put_bytes(b, "null", 4); break;
    case SQLITE_INTEGER:
        if (column == 4) {
            put_literal(b, c->whole ? "true" : "false");
        } else if (column == 0) {
            put_bytes(b, "\"", 1);
            put_decimal(b, c->whole);
            put_bytes(b, "\"", 1);
        } else {
            put_decimal(b, c->whole);
        }
        break;
    case SQLITE_FLOAT: put_double(b, c->number); break;
    default: put_json_text(b, c->bytes, (size_t)c->size);
    }
}

static void put_row(sender *s, const cell *cells) {
    static const int order[] = {0, 3, 1, 2, 4, 5, 6, 7, 8, 9};
    sender_begin_row(s);
    for (int i = 0; i < 10; i++) {
        put_literal(&s->body, i == 0 ? "{\"" : i == 2 ? ",\"custom\":{\"" : ",\"");
        put_literal(&s->body, names[order[i]]);
        put_bytes(&s->body, "\":", 2);
        put_cell(&s->body, order[i], &cells[order[i]]);
    }
    put_bytes(&s->body, "}}", 2);
    sender_end_row(s);
}

int main(int count, char **arguments) {
    int port = 0, bare = 0, first = 1;
    for (; first < count && !strncmp(arguments[first], "--", 2); first++) {
        if (!strcmp(arguments[first], "--bare")) bare = 1;
        else if (!strcmp(arguments[first], "--json") && first + 1 < count) port = atoi(arguments[++first]);
    }
    if (count - first != 2) die("usage", "sqlite_floor [--bare] [--json PORT] FILE QUERY");

    double started = wall_seconds();
    totals t = {0};
    sender s;
    sender_open(&s, port, &t);
    sqlite3 *database;
    sqlite3_stmt *row;
    if (sqlite3_open_v2(arguments[first], &database, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL)
        || sqlite3_prepare_v2(database, arguments[first + 1], -1, &row, NULL))
        die("sqlite", sqlite3_errmsg(database));

    // A row has to lie in one piece to be hashed: its cells are copied behind each other, kind and value.
    buffer flat = {0};
    cell cells[16];
    int columns = sqlite3_column_count(row), status;
    if (columns > 16) die("sqlite", "too many columns");
    while ((status = sqlite3_step(row)) == SQLITE_ROW) {
        flat.used = 0;
        for (int i = 0; i < columns; i++) {
            cell *c = &cells[i];
            c->kind = (unsigned char)sqlite3_column_type(row, i);
            put_bytes(&flat, &c->kind, 1);
            switch (c->kind) {
            case SQLITE_NULL: break;
            case SQLITE_INTEGER:
                c->whole = sqlite3_column_int64(row, i);
                t.touched += (uint64_t)c->whole;
                put_bytes(&flat, &c->whole, 8);
                break;
            case SQLITE_FLOAT:
                c->number = sqlite3_column_double(row, i);
                t.touched += (uint64_t)(int64_t)c->number;
                put_bytes(&flat, &c->number, 8);
                break;
            default:
                // As a blob: sqlite3_column_text would copy the text to end it with a zero.
                c->bytes = sqlite3_column_blob(row, i);
                c->size = sqlite3_column_bytes(row, i);
                put_bytes(&flat, &c->size, 4);
                if (c->size > 0) {
                    t.touched += ((const unsigned char *)c->bytes)[c->size - 1];
                    put_bytes(&flat, c->bytes, (size_t)c->size);
                }
            }
        }
        if (bare) t.rows++, t.bytes += flat.used;
        else fold_row(&t, flat.base, flat.used);
        if (port) put_row(&s, cells);
    }
    if (status != SQLITE_DONE) die("sqlite", sqlite3_errmsg(database));
    sqlite3_finalize(row);
    sqlite3_close(database);
    sender_close(&s);
    report("sqlite_floor", &t, started);
    return 0;
}
