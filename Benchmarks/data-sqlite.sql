-- The benchmark's table: @ROWS@ rows of ten columns, the same rows as data-postgres.sql makes.
drop table if exists t;
create table t (
    id integer primary key,
    token text not null,
    email text not null,
    title text not null,
    active boolean not null,
    amount numeric(12, 2),
    quantity integer not null,
    ratio real not null,
    updated_at text not null,
    tier text not null
);
insert into t
with recursive n(i) as (select 1 union all select i + 1 from n where i < @ROWS@)
select i,
       printf('token%016x%016x', i * 2654435761 % 4294967296, i * 40503 % 4294967296),
       'user' || i || '@example' || (i % 1000) || '.com',
       'Åsa "' || i || '" & Söner – kund nr ' || (i % 977) || ', Västra Götaland',
       i % 3 <> 0,
       case when i % 20 <> 0 then (i * 7919 % 1000000000) / 100.0 end,
       i * 31 % 100000,
       (i * 104729 % 1000000007) / 1000000.0,
       strftime('%Y-%m-%dT%H:%M:%SZ', 631152000 + i * 97, 'unixepoch'),
       case i % 4 when 0 then 'free' when 1 then 'starter' when 2 then 'growth' else 'enterprise' end
from n;
