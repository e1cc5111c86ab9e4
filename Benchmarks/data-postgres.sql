-- The benchmark's table: :rows rows of ten columns, the same rows as data-sqlite.sql makes.
set client_min_messages = warning;
drop table if exists t;
create table t (
    id bigint primary key,
    token text not null,
    email text not null,
    title text not null,
    active boolean not null,
    amount numeric(12, 2),
    quantity integer not null,
    ratio double precision not null,
    updated_at timestamptz not null,
    tier text not null
);
insert into t
select i,
       'token' || lpad(to_hex(i * 2654435761 % 4294967296), 16, '0') || lpad(to_hex(i * 40503 % 4294967296), 16, '0'),
       'user' || i || '@example' || (i % 1000) || '.com',
       'Åsa "' || i || '" & Söner – kund nr ' || (i % 977) || ', Västra Götaland',
       i % 3 <> 0,
       case when i % 20 <> 0 then (i * 7919 % 1000000000) / 100.0 end,
       i * 31 % 100000,
       (i * 104729 % 1000000007) / 1000000.0,
       timestamptz '1990-01-01T00:00:00Z' + i * interval '97 seconds',
       (array['free', 'starter', 'growth', 'enterprise'])[1 + i % 4]
from generate_series(1::bigint, :rows) as i;
vacuum (freeze, analyze) t;
