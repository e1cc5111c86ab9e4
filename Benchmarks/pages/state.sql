-- Much history, for a database that sluice has just made and that knows no run: 500 syncs, 100,000 runs, and of the
-- newest of them 1,000,000 rows that did not arrive and 20,000 requests. @NOW@ is the time in milliseconds.
pragma journal_mode = wal;
pragma synchronous = off;
pragma foreign_keys = on;
begin;
insert into syncs (name, seed, definition, has_accepted)
with recursive n(i) as (select 0 union all select i + 1 from n where i < 499)
select printf('sync_%03d', i), i, 'made for a measurement', 1 from n;

-- One run a minute, the syncs in turn; every seventh of a sync has rows that did not arrive, every fiftieth failed.
insert into runs (id, sync, state, is_full, is_limited, started_by, started_at, ended_at, rows_scanned, rows_unchanged,
    rows_invalid, rows_planned, operations_planned, operations_accepted, operations_rejected, operations_updated, requests,
    bytes_sent, reasons, error, has_plan)
with recursive n(i) as (select 1 union all select i + 1 from n where i < 99999),
    r(i, round) as (select i, i / 500 from n)
select i, (select id from syncs where name = printf('sync_%03d', i % 500)),
    case when round % 50 = 49 then 'failed' when round % 7 = 6 then 'completed_with_rejections' else 'succeeded' end,
    0, 0, 'schedule', @NOW@ - (100000 - i) * 60000, @NOW@ - (100000 - i) * 60000 + 4200, 12000,
    case when round % 7 = 6 then 11750 else 11760 end, case when round % 7 = 6 then 10 else 0 end, 240, 240,
    case when round % 7 = 6 then 236 else 240 end, case when round % 7 = 6 then 4 else 0 end,
    case when round % 7 = 6 then 236 else 240 end, 1, 61000,
    case when round % 7 = 6 then '[{"code":"duplicate_key","count":10},{"code":"refused_by_destination","count":4}]'
        else '[]' end,
    case when round % 50 = 49
        then '{"code":"cannot_connect","message":"Nobody answers at crm.example.","hint":"Check the address."}' end,
    0 from r;

-- The large one.
insert into runs (id, sync, state, is_full, is_limited, started_by, started_at, ended_at, rows_scanned, rows_unchanged,
    rows_invalid, rows_planned, operations_planned, operations_accepted, operations_rejected, operations_updated, requests,
    bytes_sent, reasons, has_plan)
select 100000, id, 'completed_with_rejections', 0, 0, 'schedule', @NOW@ - 7200000, @NOW@ - 60000, 2000000, 600000, 400000,
    1000000, 1000000, 400000, 600000, 400000, 20000, 210000000,
    '[{"code":"refused_by_destination","count":600000},{"code":"duplicate_key","count":300000},{"code":"cannot_cast","count":100000}]',
    0 from syncs where name = 'sync_000';
insert into outcomes (run, sequence, key, key_high, key_low, outcome, code, message, hint, batch, at)
with recursive n(i) as (select 0 union all select i + 1 from n where i < 999999)
select 100000, i, printf('acct-%07d', i), i * 2654435761, i * 40503,
    case when i % 10 < 6 then 'rejected' else 'invalid' end,
    case when i % 10 < 6 then 'refused_by_destination' when i % 10 < 9 then 'duplicate_key' else 'cannot_cast' end,
    'The email of record ' || i || ' is not one that the destination takes.', 'Correct it in the source.',
    case when i % 10 < 6 then i / 50 end, @NOW@ - 7200000 + i * 7 from n;
insert into exchanges (run, number, batch, attempt, at, method, path, status, milliseconds, request_bytes, response_bytes,
    is_write, first_sequence, last_sequence, request_body, response_body)
with recursive n(i) as (select 0 union all select i + 1 from n where i < 19999)
select 100000, i, i, 1, @NOW@ - 7200000 + i * 350, 'PUT', '/companies', case when i % 97 = 0 then 429 else 200 end, 300,
    10500, 900, 1, i * 50, i * 50 + 49,
    '[' || rtrim(replace(hex(zeroblob(40)), '00', '{"externalId":"acct","name":"Acme"},'), ',') || ']',
    '{"created":0,"updated":20}' from n;
update syncs set last_complete_run = (
    select max(id) from runs where sync = syncs.id and state in ('succeeded', 'completed_with_rejections'));

insert into audit (at, who, address, action, subject, detail)
with recursive n(i) as (select 1 union all select i + 1 from n where i < 100000)
select @NOW@ - (100000 - i) * 60000, 'Ada', '127.0.0.1', case when i % 3 = 0 then 'runs.asked' else 'rows.seen' end,
    printf('sync sync_%03d', i % 500), '' from n;
commit;
pragma wal_checkpoint(truncate);
