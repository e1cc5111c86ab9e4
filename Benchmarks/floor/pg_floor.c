// usage: pg_floor [--bare] [--json PORT] CONNINFO QUERY
//
// Reads QUERY by libpq's COPY in the binary format, touches each cell and hashes each row (--bare: no hash). With
// --json it also writes each row as the JSON object of a bulk upsert and sends 5,000 at a time to 127.0.0.1:PORT.
// The query's columns: id bigint, token text, email text, title text, active bool, amount numeric, quantity int,
// ratio float8, updated_at timestamptz, tier text.
#include "floor.h"

#include <endian.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t load32(const char *p) { uint32_t n; memcpy(&n, p, 4); return be32toh(n); }
static uint64_t load64(const char *p) { uint64_t n; memcpy(&n, p, 8); return be64toh(n); }
static uint16_t load16(const char *p) { uint16_t n; memcpy(&n, p, 2); return be16toh(n); }

static const char *const names[] = {"externalId", "Token", "Email", "name", "Active", "Amount", "Quantity", "Ratio",
                                    "Updated", "Tier"};

// numeric: digit groups of four, weight of the first, sign, scale.
static void put_numeric(buffer *b, const char *cell) {
    int groups = load16(cell), weight = (int16_t)load16(cell + 2), sign = load16(cell + 4), scale = load16(cell + 6);
    if (sign == 0x4000) put_bytes(b, "-", 1);
    int64_t whole = 0;
    for (int i = 0; i <= weight; i++) whole = whole * 10000 + (i < groups ? load16(cell + 8 + 2 * i) : 0);
    put_decimal(b, whole);
    if (!scale) return;
    char tail[1100];
    int at = 0;
    tail[at++] = '.';
    for (int i = weight + 1; at <= scale; i++) {
        int group = i >= 0 && i < groups ? load16(cell + 8 + 2 * i) : 0;
        tail[at++] = (char)('0' + group / 1000);
        tail[at++] = (char)('0' + group / 100 % 10);
        tail[at++] = (char)('0' + group / 10 % 10);
        tail[at++] = (char)('0' + group % 10);
    }
    put_bytes(b, tail, (size_t)scale + 1);
}

static void put_cell(buffer *b, int column, const char *cell, int32_t size) {
    double ratio;
    uint64_t bits;
    if (size < 0) {
        put_bytes(b, "null", 4);
        return;
    }
    switch (column) {
    case 0:
        put_bytes(b, "\"", 1);
        put_decimal(b, (int64_t)load64(cell));
        put_bytes(b, "\"", 1);
        break;
    case 4: put_literal(b, cell[0] ? "true" : "false"); break;
    case 5: put_numeric(b, cell); break;
    case 6: put_decimal(b, (int32_t)load32(cell)); break;
    case 7:
        bits = load64(cell);
        memcpy(&ratio, &bits, 8);
        put_double(b, ratio);
        break;
    case 8: put_timestamp(b, (int64_t)load64(cell) + 946684800000000); break;
    default: put_json_text(b, cell, (size_t)size);
    }
}

static void put_name(buffer *b, int column) {
    put_bytes(b, "\"", 1);
    put_literal(b, names[column]);
    put_bytes(b, "\":", 2);
}

// One object: the two fields of the company itself, then the custom ones.
static void put_row(sender *s, const char **cells, const int32_t *sizes) {
    static const int order[] = {0, 3, 1, 2, 4, 5, 6, 7, 8, 9};
    sender_begin_row(s);
    for (int i = 0; i < 10; i++) {
        put_literal(&s->body, i == 0 ? "{" : i == 2 ? ",\"custom\":{" : ",");
        put_name(&s->body, order[i]);
        put_cell(&s->body, order[i], cells[order[i]], sizes[order[i]]);
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
    if (count - first != 2) die("usage", "pg_floor [--bare] [--json PORT] CONNINFO QUERY");

    double started = wall_seconds();
    totals t = {0};
    sender s;
    sender_open(&s, port, &t);
    PGconn *connection = PQconnectdb(arguments[first]);
    if (PQstatus(connection) != CONNECTION_OK) die("postgres", PQerrorMessage(connection));
    PQclear(PQexec(connection, "begin transaction isolation level repeatable read read only"));
    buffer sql = {0};
    put_literal(&sql, "copy (");
    put_literal(&sql, arguments[first + 1]);
    put_bytes(&sql, ") to stdout (format binary)", 28);
    PGresult *copy = PQexec(connection, sql.base);
    if (PQresultStatus(copy) != PGRES_COPY_OUT) die("postgres", PQerrorMessage(connection));
    PQclear(copy);

    char *row;
    int size, isFirst = 1;
    while ((size = PQgetCopyData(connection, &row, 0)) > 0) {
        const char *at = row;
        if (isFirst) {
            // Signature (11), flags (4), length of the extension (4), the extension; then the first row.
            at += 19 + load32(row + 15);
            isFirst = 0;
        }
        const char *start = at;
        int16_t columns = (int16_t)load16(at);
        if (columns > 16) die("postgres", "too many columns");
        at += 2;
        const char *cells[16];
        int32_t sizes[16];
        for (int i = 0; i < columns; i++) {
            sizes[i] = (int32_t)load32(at);
            cells[i] = at + 4;
            at += 4;
            if (sizes[i] <= 0) continue;
            t.touched += (unsigned char)at[0] + (unsigned char)at[sizes[i] - 1];
            at += sizes[i];
        }
        if (columns > 0) {
            if (bare) t.rows++, t.bytes += (size_t)(at - start);
            else fold_row(&t, start, (size_t)(at - start));
            if (port) put_row(&s, cells, sizes);
        }
        PQfreemem(row);
    }
    if (size == -2) die("postgres", PQerrorMessage(connection));
    PGresult *end;
    while ((end = PQgetResult(connection))) {
        if (PQresultStatus(end) != PGRES_COMMAND_OK) die("postgres", PQerrorMessage(connection));
        PQclear(end);
    }
    sender_close(&s);
    PQfinish(connection);
    report("pg_floor", &t, started);
    return 0;
}
